/** The description's prose: paragraphs, lists, `code` and **strong** words, which is all that it uses of Markdown. */
import type { ComponentChildren } from "preact";

export function Told({ text }: { text: string }) {
  const blocks = text.split(/\n{2,}/).filter((block) => block.trim() !== "");
  return <div class="told">{blocks.map((block) => (/^- /.test(block) ? <List key={block} block={block} /> : <p key={block}>{inline(block)}</p>))}</div>;
}

function List({ block }: { block: string }) {
  const items = block.split(/^- /m).filter((item) => item.trim() !== "");
  return (
    <ul>
      {items.map((item) => (
        <li key={item}>{inline(item)}</li>
      ))}
    </ul>
  );
}

export function inline(text: string): ComponentChildren[] {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) => {
    if (part.startsWith("`")) return <code key={part}>{part.slice(1, -1)}</code>;
    if (part.startsWith("**")) return <strong key={part}>{part.slice(2, -2)}</strong>;
    return part;
  });
}
