import type { ReactNode } from "react";
import { Tab, TabList, TabPanel, Tabs as Behaviour } from "react-aria-components";

export interface OneTab {
  id: string;
  title: string;
  note?: string | number | undefined;
  content: () => ReactNode;
}

/** One of several views; which one stands in the address. */
export function Tabs({ label, tabs, at, onAt }: { label: string; tabs: OneTab[]; at: string; onAt: (id: string) => void }) {
  return (
    <Behaviour selectedKey={at} onSelectionChange={(key) => onAt(String(key))}>
      <TabList aria-label={label} className="mb-3 flex gap-1 border-b border-line">
        {tabs.map((tab) => (
          <Tab
            key={tab.id}
            id={tab.id}
            className="cursor-pointer border-b-2 border-transparent px-3 py-1.5 font-medium text-muted outline-offset-[-2px] selected:border-accent selected:text-text data-[selected]:border-accent data-[selected]:text-text"
          >
            {tab.title}
            {tab.note ? <span className="ml-1.5 rounded-full bg-raised px-1.5 text-xs text-muted">{tab.note}</span> : null}
          </Tab>
        ))}
      </TabList>
      {tabs.map((tab) => (
        <TabPanel key={tab.id} id={tab.id} className="outline-none">
          {tab.id === at ? tab.content() : null}
        </TabPanel>
      ))}
    </Behaviour>
  );
}
