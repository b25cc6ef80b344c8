/** Streams of the server: they go on by themselves where they were cut. That one is behind is known to `reach`. */
import { useEffect, useRef } from "react";
import { isFound, isLost, whenWoken } from "./reach";

interface Options {
  /** The kinds of messages that are listened for. */
  kinds: readonly string[];
  on(kind: string, data: string, id: string): void;
  /** Whether there is nothing more to come behind a message. */
  isLast?(kind: string): boolean;
}

/**
 * Follows a stream. The browser sends the id of the last message along when it comes back, and the server goes on behind
 * it; what an answer of an error ends, is begun anew here.
 */
export class Stream {
  private source: EventSource | null = null;
  private last = "";
  private timer: ReturnType<typeof setTimeout> | undefined;
  private wait = 250;
  private isOver = false;
  private readonly open: (last: string) => string;
  private readonly options: Options;
  private readonly endWaking: () => void;

  constructor(open: (last: string) => string, options: Options) {
    this.open = open;
    this.options = options;
    this.endWaking = whenWoken(() => this.again(0));
    this.begin();
  }

  end(): void {
    this.isOver = true;
    clearTimeout(this.timer);
    this.source?.close();
    this.endWaking();
    isFound(this);
  }

  private again(wait: number): void {
    if (this.isOver) return;
    this.source?.close();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.begin(), wait);
  }

  private begin(): void {
    const source = new EventSource(this.open(this.last));
    this.source = source;
    source.onopen = () => {
      this.wait = 250;
      isFound(this);
    };
    source.onerror = () => {
      if (this.isOver) return;
      isLost(this);
      // We count the last id ourselves, so that one way of coming back serves for all.
      this.again(this.wait);
      this.wait = Math.min(this.wait * 2, 5_000);
    };
    for (const kind of this.options.kinds) {
      source.addEventListener(kind, (message) => {
        if (this.isOver) return;
        this.last = message.lastEventId || this.last;
        this.options.on(kind, String(message.data), message.lastEventId);
        if (this.options.isLast?.(kind)) this.end();
      });
    }
  }
}

/** Follows a stream while something is shown. */
export function useStream(open: ((last: string) => string) | null, options: Options): void {
  const kept = useRef(options);
  kept.current = options;
  const key = open?.("") ?? "";
  useEffect(() => {
    if (!open) return;
    const stream = new Stream(open, {
      kinds: kept.current.kinds,
      on: (kind, data, id) => kept.current.on(kind, data, id),
      isLast: (kind) => kept.current.isLast?.(kind) ?? false,
    });
    return () => stream.end();
    // What is opened is known by its address.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key]);
}
