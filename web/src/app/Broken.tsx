import { useRouteError } from "react-router";
import { Button } from "../ui/Button";
import { Page } from "../ui/Page";
import { Wrong } from "../ui/Notice";

/** A page that could not be shown. */
export function Broken() {
  const error = useRouteError();
  const text = error instanceof Error ? error.message : String(error);
  const isOld = /dynamically imported module|Failed to fetch/.test(text);
  return (
    <Page title={isOld ? "The server has another version of this page" : "This page cannot be shown"}>
      {isOld ? null : <Wrong error={error} />}
      <Button tone="primary" className="mt-3" onPress={() => location.reload()}>
        Load it again
      </Button>
    </Page>
  );
}
