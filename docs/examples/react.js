// Without JSX, so that it runs as it stands.
import { createElement as h, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

/** The part with a SKU, and every change of it; null until it is known. */
function usePart(sku) {
  const [part, setPart] = useState(null);
  useEffect(() => window.lockstep.watch(sku, setPart), [sku]);
  // The last part is still there while the next one is not known yet.
  return part?.sku === sku ? part : null;
}

function Offer({ sku }) {
  const part = usePart(sku);
  if (!part) return h("p", null, "…");
  if (part.availability === "gone") return h("p", null, `${sku} is not available.`);
  const price = part.price && new Intl.NumberFormat("en", { style: "currency", currency: part.price.currency }).format(part.price.amount);
  return h("p", { className: "offer" }, `${part.name}: ${price ?? "price on request"}, ${part.stock} left`);
}

function App() {
  const [sku, choose] = useState("6205-2RS");
  const [isOpen, open] = useState(false);
  return h(
    "main",
    null,
    h("button", { id: "other", onClick: () => choose("6206-2RS") }, "The other one"),
    h("button", { id: "more", onClick: () => open(true) }, "More"),
    h(Offer, { sku }),
    // Without a hook: what React adds later is followed, too. It must be left to the script what stands inside.
    isOpen && h("p", { id: "later" }, h("span", { "data-lockstep-part": sku, "data-lockstep-field": "stock" })),
  );
}

createRoot(document.getElementById("root")).render(h(App));
