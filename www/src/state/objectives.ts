// What an objective of the comparison is, in the page's language; the engine's own words where there are none here.
import type { Objective } from "../protocol";
import { t } from "../strings";

export function aboutObjective({ id, about }: Objective): string {
  const { losses, towers, ablations, mtls, twin } = t.comparison;
  if (id === "mtls") return mtls;
  if (id === "twin") return twin;
  const [, ablation = ""] = /^mtls:(.*)$/.exec(id) ?? [];
  if (ablation) return ablation.startsWith("weight-") ? t.comparison.weight(ablation.slice("weight-".length)) : (ablations[ablation] ?? about);
  const [, added = ""] = /^(.*)\+transfer$/.exec(id) ?? [];
  if (added) return losses[added] ? t.comparison.withTransfer(losses[added]) : about;
  const [loss = "", tower = ""] = id.split("/");
  return losses[loss] && towers[tower] ? `${losses[loss]}; ${towers[tower]}` : about;
}
