import { Link } from "react-router";
import { Empty } from "../ui/Notice";
import { Page } from "../ui/Page";

export function Nowhere() {
  return (
    <Page title="There is nothing here">
      <div className="card">
        <Empty title="This address leads nowhere">
          It may be of something that is gone. <Link className="link" to="/">All runs</Link> are a place to begin.
        </Empty>
      </div>
    </Page>
  );
}
