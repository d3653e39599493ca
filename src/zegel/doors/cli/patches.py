"""``zegel patches``, ``placement``, ``suppliers``, ``plan-b``: for officers and whoever runs a Zegel."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from zegel.doors.cli.options import Data, data_folder, read_text
from zegel.doors.cli.tools import Tools
from zegel.errors import Damaged, Mistake, Unavailable
from zegel.journeys.house import House, PlanB
from zegel.journeys.plan_reports import Progress, Report, signature_file
from zegel.parcels.signature import made_both
from zegel.parcels.strict import unb64
from zegel.suppliers.plan import read_report

PatchName = Annotated[str, typer.Argument(help="The patch's name in the configuration.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; goes into the audit log and the report.")]
ReportFile = Annotated[Path | None, typer.Option("--report", help="Write the signed report here.", dir_okay=False)]
Json = Annotated[bool, typer.Option("--json", help="For programs.")]


def add_commands(app: typer.Typer, tools: Tools) -> None:
    """Add all of them."""
    _add_patches(app, tools)
    _add_suppliers(app, tools)
    plan = typer.Typer(no_args_is_help=True, help="Leave a patch or a supplier, and practise it.")
    app.add_typer(plan, name="plan-b")
    _add_what_if(plan, tools)
    _add_leaving(plan, tools)
    _add_drill(plan, tools)
    _add_verify(plan, tools)


def _plan(tools: Tools, data: Path | None, inside: bool = False) -> tuple[House, PlanB]:
    house = tools.house(data_folder(data), "inside" if inside else "outside")
    if house.plan_b is None:
        raise Unavailable("This Zegel has no patches.", code="no-patches")
    return house, house.plan_b


def _add_patches(app: typer.Typer, tools: Tools) -> None:
    @app.command("patches")
    def patches(as_json: Json = False, data: Data = None) -> None:
        """Show every patch: what it holds, what waits, how it behaves, when it was last checked."""
        reports = _plan(tools, data)[1].survey.patch_reports()
        if as_json:
            print(json.dumps([_members(one) for one in reports], default=str, indent=1))
            return
        for one in reports:
            drill = "  drill due" if one.drill_due else ""
            print(f"{one.patch}  {one.state}  supplier {one.supplier or 'unknown'}{drill}")
            print(f"    {one.objects} objects, {_size(one.size)}; wanted {one.wanted}, broken {one.broken}, "
                  f"to be deleted {one.doomed}")  # fmt: skip
            checked = f"{one.patrolled:%Y-%m-%d %H:%M}" if one.patrolled else "never"
            print(f"    errors {one.error_rate:.1%}, first bytes {one.latency_ms} ms, patrolled {checked}, "
                  f"found broken {one.found_broken}")  # fmt: skip

    placement = typer.Typer(no_args_is_help=True, help="Where classes go.")
    app.add_typer(placement, name="placement")

    @placement.command("explain")
    def explain(
        class_: Annotated[int, typer.Option("--class", help="0 to 4.", min=0, max=5)], data: Data = None
    ) -> None:
        """Print where a class goes, and every rule that fired."""
        found = _plan(tools, data)[1].survey.explain(class_)
        for line in _decision(found):
            print(line)
        if not hasattr(found, "places"):
            raise typer.Exit(1)


def _add_suppliers(app: typer.Typer, tools: Tools) -> None:
    suppliers = typer.Typer(no_args_is_help=True, help="Whom we depend on.")
    app.add_typer(suppliers, name="suppliers")

    @suppliers.command("import")
    def import_(file: Annotated[Path, typer.Argument(help="TOML; - is standard input.")], data: Data = None) -> None:
        """Read and check a suppliers' file; all of it or nothing."""
        for supplier in _plan(tools, data)[1].survey.import_suppliers(read_text(file)):
            print(supplier.name)

    @suppliers.command("list")
    def list_(data: Data = None) -> None:
        """Show the suppliers, who controls them and which foreign laws reach them."""
        for supplier, control, laws in _plan(tools, data)[1].survey.suppliers():
            print(f"{supplier.name}  {supplier.legal_name}  ({supplier.relation})")
            print(f"    control: {'; '.join(control) or 'European'}")
            for law in laws:
                print(f"    {law.risk}: {law.law} ({', '.join(law.reasons)})")


def _add_what_if(plan: typer.Typer, tools: Tools) -> None:
    @plan.command("what-if")
    def what_if(name: Annotated[str, typer.Argument(help="A patch or a supplier.")], data: Data = None) -> None:
        """Tell what would be lost, short or to be moved if it were gone; changes nothing."""
        answer = _plan(tools, data)[1].survey.what_if(name)
        print(f"Without {', '.join(answer.gone)}:")
        for loss in answer.leaving.losses:
            print(f"    class {loss.class_}: {loss.unreadable} unreadable, {loss.under_copied} with too few copies, "
                  f"{loss.untouched} as they are")  # fmt: skip
        price = "unknown" if answer.leaving.egress_eur is None else f"EUR {answer.leaving.egress_eur}"
        hours = answer.leaving.seconds / 3600
        print(f"    to move: {_size(answer.leaving.bytes_to_move)}, about {hours:.1f} h, egress {price}")
        how = "as a drill measured" if answer.measured else "assumed: hold a drill to measure it"
        print(f"    at {answer.bytes_per_second / 1e6:.1f} MB/s, {how}")
        for found in answer.then.values():
            for line in _decision(found):
                print(f"    {line}")


def _add_leaving(plan: typer.Typer, tools: Tools) -> None:
    @plan.command("evacuate")
    def evacuate(
        patch: PatchName,
        hostile: Annotated[bool, typer.Option("--hostile", help="Ask it nothing any more; rebuild elsewhere.")] = False,
        reason: Reason = "",
        workers: Annotated[int, typer.Option("--workers", min=1, max=64)] = 8,
        rate: Annotated[float, typer.Option("--rate", help="At most this many MB per second; 0: no limit.")] = 0,
        report: ReportFile = None,
        data: Data = None,
    ) -> None:
        """Move everything away from a patch while mail goes on; run it again to go on after a cut."""
        _, plan_b = _plan(tools, data, inside=True)
        done = plan_b.evacuate.run(
            patch,
            hostile=hostile,
            reason=reason,
            workers=workers,
            bytes_per_second=rate * 1e6,
            progress=_show if sys.stderr.isatty() else None,
        )
        _tell(plan_b, done, report)

    @plan.command("cut")
    def cut(supplier: Annotated[str, typer.Argument()], reason: Reason = "", data: Data = None) -> None:
        """Stop all reads and writes at a supplier at once, then rebuild elsewhere what lay there."""
        _, plan_b = _plan(tools, data, inside=True)
        patches = plan_b.evacuate.patches_of(supplier)
        for patch in patches:
            plan_b.evacuate.begin(patch, hostile=True, reason=reason)
            print(f"{patch}: cut")
        for patch in patches:
            _tell(plan_b, plan_b.evacuate.run(patch, hostile=True, reason=reason), None)

    @plan.command("reopen")
    def reopen(patch: PatchName, data: Data = None) -> None:
        """Use a patch again that was left or cut."""
        _plan(tools, data)[1].evacuate.reopen(patch)


def _add_drill(plan: typer.Typer, tools: Tools) -> None:
    @plan.command("drill")
    def drill(
        patch: PatchName,
        blobs: Annotated[int, typer.Option("--blobs", help="How many to practise on.", min=1)] = 100,
        cooperative: Annotated[bool, typer.Option("--cooperative", help="The patch itself may be read.")] = False,
        report: ReportFile = None,
        data: Data = None,
    ) -> None:
        """Practise leaving a patch on some blobs, under scratch names; nothing changes."""
        _, plan_b = _plan(tools, data, inside=True)
        held = plan_b.evacuate.drill(patch, blobs=blobs, hostile=not cooperative)
        _save(plan_b, held.spell(), report)
        print(f"{held.blobs} blobs, {_size(held.size)} in {held.seconds:.1f} s, {len(held.failed)} failed")
        print(f"All {held.all_blobs}: about {held.recovery_seconds:.0f} s; {held.only_here} lie nowhere else")
        if held.failed:
            raise typer.Exit(6)


def _add_verify(plan: typer.Typer, tools: Tools) -> None:
    @plan.command("verify")
    def verify(
        report: Annotated[Path, typer.Argument(help="The report; FILE.signature lies beside it.", dir_okay=False)],
        data: Data = None,
    ) -> None:
        """Check that this organisation signed a report, as it stands here."""
        house, _ = _plan(tools, data)
        try:
            body = report.read_bytes()
            members = json.loads(report.with_name(report.name + ".signature").read_bytes())
            ed25519, mldsa65 = (unb64(members[name]) for name in ("ed25519", "mldsa65"))
            key = next((one for one in house.profile.signing if one.fingerprint == members["key"]), None)
        except OSError as error:
            raise Mistake("{path} cannot be read.", code="unreadable-file", path=error.filename) from error
        except (ValueError, KeyError, TypeError):
            raise Damaged("The signature line cannot be read.", code="bad-signature") from None
        if key is None or not made_both(key, body, ed25519, mldsa65):
            raise Damaged("The signature of the organisation is not right.", code="bad-signature")
        members = read_report(body)
        print(f"{members['zegel']} of {members['patch']}, signed by {key.fingerprint}")


def _tell(plan_b: PlanB, done: Report, path: Path | None) -> None:
    _save(plan_b, done.spell(), path)
    print(f"{done.patch}: {done.blobs} blobs ({_size(done.size)}) left, {done.copied} copies made, "
          f"{done.deleted} objects deleted, {len(done.failed)} failed, {done.seconds:.1f} s"
          + (f" in {done.runs} runs" if done.runs > 1 else ""))  # fmt: skip
    if done.remains is None:
        print("    it was not asked what it still holds")
    elif done.empty:
        print("    it shows nothing any more: no objects, versions or unfinished uploads")
    else:
        print(f"    it still shows {done.remains}")
    for what, why in list(done.failed.items())[:10] + list(done.not_deleted.items())[:10]:
        print(f"    {what}: {why}", file=sys.stderr)
    if done.failed:
        raise typer.Exit(5)


def _save(plan_b: PlanB, report: bytes, path: Path | None) -> None:
    if path is None:
        return
    signed = signature_file(*plan_b.sign(report))
    try:
        path.write_bytes(report)
        path.with_name(path.name + ".signature").write_text(signed)
    except OSError as error:
        raise Mistake("{path} cannot be written.", code="unwritable-file", path=path) from error


def _show(progress: Progress) -> None:
    eta = f"{progress.eta:.0f} s to go" if progress.eta is not None else ""
    print(f"\r{progress.blobs}/{progress.of_blobs} blobs, {_size(progress.size)} of {_size(progress.of_size)}, "
          f"{progress.failed} failed  {eta}   ", end="", file=sys.stderr, flush=True)  # fmt: skip


def _decision(found: Any) -> list[str]:
    if hasattr(found, "places"):
        short = f" ({found.short} fewer than wanted)" if found.short else ""
        shares = f"{len(found.places)} shares, any {found.needed} of which make it: " if found.needed > 1 else ""
        lines = [f"class {found.class_}: {shares}{', '.join(found.places)}{short}"]
    else:
        lines = [f"class {found.class_}: refused: {'; '.join(found.rules)}"]
    for one in found.judged:
        lines.append(
            f"    {one.patch} ({one.supplier or 'unknown supplier'}): {'; '.join(one.reasons) or 'may have it'}"
        )
    return lines


def _members(one: Any) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__slots__}


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
