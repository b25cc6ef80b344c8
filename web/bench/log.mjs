// A log of a gigabyte, opened, searched and taken away.
import { looked, printed, resident } from "../test/log.mjs";

const GOALS = { "last lines": 1_000, "first lines": 1_000, "what was before": 1_000 };

export async function gigabyte(ground, figures, megabytes) {
  const made = await printed(ground.place, megabytes);
  const ann = await ground.person({ acceptDownloads: true });
  const before = resident(ground.place);
  const { took, size, heap, nodes } = await looked(ann, made);
  figures.title(`a log of ${(size / 1e6).toFixed(0)} MB, ${made.lines} lines, printed in ${(made.took / 1000).toFixed(1)} s`);
  for (const [name, time] of Object.entries(took)) figures.say(`${name}, from the click on`, time, "ms", GOALS[name]);
  figures.say("heap of the page afterwards", heap, "MiB", 50);
  figures.say("nodes of the page afterwards", nodes, "nodes", 5_000);
  figures.say("what the server grew", Math.max(0, resident(ground.place) - before), "MiB", 100);
  await ann.context.close();
}
