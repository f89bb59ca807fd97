/** The sound of money: two soft tones. Browsers allow sound only after a first touch of the page. */
import { signal } from "@preact/signals";
import { keptForever } from "../shared/storage.ts";

const keptMuted = keptForever("till.muted");

export const muted = signal(keptMuted.read() === "yes");

export function toggleMuted(): void {
  muted.value = !muted.value;
  keptMuted.write(muted.value ? "yes" : "no");
}

let context: AudioContext | null = null;

function wake(): void {
  context ??= new AudioContext();
  if (context.state === "suspended") void context.resume();
}
addEventListener("pointerdown", wake);
addEventListener("keydown", wake);

export function chime(): void {
  if (muted.value || context === null || context.state !== "running") return;
  tone(context, 659.25, 0);
  tone(context, 987.77, 0.14);
}

function tone(audio: AudioContext, hertz: number, delay: number): void {
  const start = audio.currentTime + delay;
  const oscillator = audio.createOscillator();
  const volume = audio.createGain();
  oscillator.frequency.value = hertz;
  volume.gain.setValueAtTime(0, start);
  volume.gain.linearRampToValueAtTime(0.28, start + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.001, start + 0.6);
  oscillator.connect(volume).connect(audio.destination);
  oscillator.start(start);
  oscillator.stop(start + 0.65);
}
