/** What the person here can take back, the last first. Each step is sent as a change of its own: nobody's work since is undone. */
import { defineStore } from "pinia";
import { shallowRef } from "vue";

export interface Step {
  /** Takes the change back, and says so. */
  readonly run: () => unknown;
}

const MAX_STEPS = 50;

export const useUndoStore = defineStore("stock undo", () => {
  const steps = shallowRef<readonly Step[]>([]);

  function push(step: Step): void {
    steps.value = [...steps.value, step].slice(-MAX_STEPS);
  }

  /** @param step the last one by default. @returns false if there is nothing to take back, or it has been taken back already. */
  function take(step = steps.value.at(-1)): boolean {
    if (!step || !steps.value.includes(step)) return false;
    steps.value = steps.value.filter((one) => one !== step);
    step.run();
    return true;
  }

  return { steps, push, take, forget: () => (steps.value = []) };
});
