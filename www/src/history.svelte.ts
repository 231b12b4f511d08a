// What a run has reported so far: plain arrays for the charts (thousands of numbers; making each reactive would cost
// more than a training step), a counter that says "they grew", and the newest values as reactive state.
import type { Config, EngineEvent, EvaluationEvent, Metrics, RetunedEvent, StepEvent } from "./protocol";

/** A term of the loss: where a step reports it, how it is drawn, its weight and the setting that changes it. */
export interface Term { key: "total" | "retrieval" | "transfer_v" | "transfer_t" | "within"; colour: string; dash?: number[]; weight: number; setting?: string }

/** The terms of a run's loss. TBNN's is listed only where a run has it. */
export function terms(config: Config | null): Term[] {
  const weight = (section: "retrieval" | "transfer", key: string): number => Number(config?.[section][key] ?? 0);
  const within = Math.max(weight("retrieval", "within_image"), weight("retrieval", "within_text"));
  return [
    { key: "total", colour: "--ink", weight: 1 },
    { key: "retrieval", colour: "--good", weight: weight("retrieval", "weight"), setting: "retrieval_weight" },
    { key: "transfer_v", colour: "--text", dash: [6, 3], weight: weight("transfer", "lambda_v"), setting: "lambda_v" },
    { key: "transfer_t", colour: "--image", dash: [2, 3], weight: weight("transfer", "lambda_t"), setting: "lambda_t" },
    ...(within > 0 ? [{ key: "within", colour: "--accent", weight: within, setting: "within_image" } as const] : []),
  ];
}

export class RunHistory {
  steps: StepEvent[] = [];
  evaluations: EvaluationEvent[] = [];
  /** Settings that changed during the run. */
  retuned: RetunedEvent[] = [];
  version = $state(0);
  latest = $state.raw<StepEvent | null>(null);
  metrics = $state.raw<Metrics | null>(null);

  clear(): void {
    this.steps = [];
    this.evaluations = [];
    this.retuned = [];
    this.latest = null;
    this.metrics = null;
    this.version++;
  }

  add(events: EngineEvent[]): void {
    for (const event of events) {
      if (event.type === "step") {
        this.steps.push(event);
        this.latest = event;
      } else if (event.type === "evaluation") {
        // After a fall-back some steps are computed twice; the curve keeps one value per step.
        while (this.evaluations.length > 0 && this.evaluations.at(-1)!.step >= event.step) this.evaluations.pop();
        this.evaluations.push(event);
        this.metrics = event.metrics;
      } else if (event.type === "retuned") {
        this.retuned.push(event);
      }
    }
    this.version++;
  }

  /** Back to what a resumed run knows. */
  replace(events: EngineEvent[]): void {
    this.clear();
    this.add(events);
  }
}
