// What a run has reported so far: plain arrays for the charts (thousands of numbers; making each reactive would cost
// more than a training step), a counter that says "they grew", and the newest values as reactive state.
import type { EngineEvent, EvaluationEvent, Metrics, StepEvent } from "./protocol";

export const LOSSES = ["total", "retrieval", "transfer_v", "transfer_t"] as const;
export type LossName = (typeof LOSSES)[number];

export class RunHistory {
  steps: StepEvent[] = [];
  evaluations: EvaluationEvent[] = [];
  version = $state(0);
  latest = $state.raw<StepEvent | null>(null);
  metrics = $state.raw<Metrics | null>(null);

  clear(): void {
    this.steps = [];
    this.evaluations = [];
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
