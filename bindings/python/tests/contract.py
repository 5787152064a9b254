"""Calls everything that the package exports, as one story: an organisation, three devices, one plan, one relay.

A function that is exported and not called here fails the run. BEDSIDE_PROGRAMS names the folder of `bedside` and `bedside-relay`.
"""

from __future__ import annotations

import gc
import json
import os
import re
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import bedside

PROGRAMS = Path(os.environ["BEDSIDE_PROGRAMS"])
PIN = "271828"
JANE = "9000000009"
LONG = 60

called: set[str] = set()


def exported() -> dict[str, tuple[object, str]]:
    """Every function, constructor and method that crosses into the library, by name."""
    found: dict[str, tuple[object, str]] = {}
    for name in bedside._generated.__all__:
        thing = getattr(bedside._generated, name)
        if not isinstance(thing, type):
            found[name] = (bedside, name)
        elif hasattr(thing, "_uniffi_clone_handle"):
            for method, value in vars(thing).items():
                if not method.startswith("_") and (callable(value) or isinstance(value, classmethod)):
                    found[f"{name}.{method}"] = (thing, method)
            if name == "Cancel":
                found["Cancel.__init__"] = (thing, "__init__")
    return found


def record(found: dict[str, tuple[object, str]]) -> None:
    """Notes each of them when it is called."""

    def noting(name, call):
        def noted(*args, **kwargs):
            called.add(name)
            return call(*args, **kwargs)

        return noted

    for name, (owner, attribute) in found.items():
        raw = vars(owner)[attribute]
        if isinstance(raw, classmethod):
            setattr(owner, attribute, classmethod(noting(name, raw.__func__)))
        else:
            setattr(owner, attribute, noting(name, raw))


class World:
    """A relay in a process of its own, and folders for devices."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.network = folder / "network.bedside"
        made = self.operator("network", "create", "--file", self.network, "--relay", f"http://127.0.0.1:{port}")
        self.log = open(folder / "relay.log", "w")
        self.relay = subprocess.Popen(
            [PROGRAMS / "bedside-relay", "serve", "--data", folder / "relay", "--network-root", made["root"]]
            + ["--listen", f"127.0.0.1:{port}", "--plain-http"],
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        assert self.relay.stdout and self.relay.stdout.readline().startswith("listening")

    def operator(self, *arguments: object) -> dict:
        environment = {**os.environ, "BEDSIDE_HOME": str(self.folder / "operator")}
        environment["BEDSIDE_PASSPHRASE"] = "correct horse battery"
        command = [str(PROGRAMS / "bedside"), "--json", *map(str, arguments)]
        return json.loads(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)

    def keys(self, name: str) -> bedside.KeyStore:
        return bedside.file_key_store(str(self.folder / f"{name}-keys"))

    def device(self, name: str) -> bedside.Device:
        return bedside.Device.create(str(self.folder / name), self.keys(name), PIN)

    def close(self) -> None:
        self.relay.kill()
        self.relay.wait()
        self.log.close()


class Progress(bedside.EnrolProgress):
    def __init__(self) -> None:
        self.waiting = threading.Event()

    def reached(self, step: bedside.EnrolStep) -> None:
        if step == bedside.EnrolStep.WAITING:
            self.waiting.set()


def sync(*devices: bedside.Device) -> None:
    for device in devices * 2:
        device.sync(bedside.Cancel())


def enrol(issuer: bedside.Device, device: bedside.Device, spec: bedside.InviteSpec) -> None:
    invitation = issuer.invite(spec)
    sync(issuer)
    progress = Progress()
    work = threading.Thread(target=lambda: device.enrol(invitation, progress, bedside.Cancel()))
    work.start()
    assert progress.waiting.wait(LONG)
    sync(issuer)
    work.join(LONG)
    assert not work.is_alive()


def given(note: str) -> bedside.ConsentSpec:
    return bedside.ConsentSpec(outcome=bedside.Outcome.GIVEN, note=note)


def leaf(answer: bedside.Answer) -> bedside.Leaf:
    return bedside.Leaf(answer=answer, heard_from=bedside.Source.OBSERVED)


def choice(key: str, token: str) -> bedside.Answer:
    [field] = [field for field in bedside.fields() if field.key == key]
    [found] = [choice for choice in field.kind.choices if choice.token == token]
    return found.answer


def raises(kind: type[Exception], call) -> Exception:
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was expected")


def joins(world: World) -> tuple[bedside.Device, bedside.Device, bedside.Device]:
    admin = world.device("admin")
    request, charter = world.folder / "x.request", world.folder / "x.charter"
    request.write_bytes(admin.request_organisation("Riverside", "RX1"))
    world.operator("network", "sign", "--file", world.network, "--request", request, "--out", charter)
    admin.accept_charter(charter.read_bytes(), "Admin of Riverside")
    sync(admin)
    nurse, doctor = world.device("nurse"), world.device("doctor")
    enrol(admin, nurse, bedside.InviteSpec(name="Amira Khan", role=bedside.Role.NURSE, hours=24))
    enrol(admin, doctor, bedside.InviteSpec(name="Ben Ode", role=bedside.Role.DOCTOR, hours=24))
    assert nurse.identity().name == "Amira Khan"
    assert [found.ods_code for found in nurse.organisations()] == ["RX1"]
    return admin, nurse, doctor


def writes(nurse: bedside.Device, doctor: bedside.Device) -> str:
    patient = json.dumps({"resourceType": "Patient", "identifier": [NHS], "name": [NAME], "birthDate": "1940-02-29"})
    assert nurse.read_patient(patient.encode()).nhs_number.replace(" ", "") == JANE
    new = bedside.NewPlan(nhs_number=JANE, patient=patient.encode(), record=given("She said yes"))
    plan = nurse.start_plan(new).plan
    assert nurse.plan_id(JANE) == plan
    nurse.record_consent(plan, bedside.Scope.SHARE, given("With whoever comes to the house"))
    nurse.share(plan, bedside.Reader.ORGANISATION(ods_code="RX1"))
    with bedside.editing(nurse, plan) as draft:
        draft.set_text("wishes.about_me", "I taught music.")
        item = draft.new_item()
        draft.set(f"medicine/{item}/name", leaf(bedside.Answer.TEXT(text="Morphine")))
    nurse.undo(plan)
    nurse.undo(plan)
    sync(nurse, doctor)
    with bedside.editing(doctor, plan) as draft:
        decided = [
            bedside.Decided(key="cpr.decision", leaf=leaf(choice("cpr.decision", "not-recommended"))),
            bedside.Decided(key="cpr.reason", leaf=leaf(bedside.Answer.TEXT(text="would not work"))),
        ]
        draft.decide(bedside.Section.CPR, decided, False)
    with bedside.editing(doctor, plan) as draft:
        draft.endorse(bedside.Section.CPR)
    sync(doctor, nurse)
    return plan


def reads(nurse: bedside.Device, plan: str) -> None:
    view = nurse.plan(plan)
    assert repr(view) == "PlanView(withheld)" and view.banner.family == "SMITH"
    assert nurse.plan_for_urgent_care(plan).kind == "urgent"
    assert [row.nhs_number for row in bedside.all_plans(nurse, page_size=1)] == [JANE]
    assert [found.plan.plan for found in nurse.search("smi")] == [plan]
    history = nurse.history(plan)
    assert [row.after for row in nurse.field_history(plan, "wishes.about_me")][0] == ["I taught music."]
    then = bedside.At.ENTRY(entry=history[0].entry)
    assert nurse.plan_at(plan, then).kind == "past"
    assert any(found.key == "cpr.decision" or "CPR" in found.text for found in nurse.differences(plan, then, None))
    receipts = nurse.receipts(plan)
    assert receipts.saved == receipts.sent > 0
    assert nurse.status().unsent == 0
    assert {info.name for info in bedside.sections()} >= {"cpr", "medicines"}


def approves(nurse: bedside.Device, doctor: bedside.Device, plan: str) -> None:
    nurse.request_approval(plan, "please look")
    sync(nurse, doctor)
    doctor.mark(plan, bedside.Stage.UNDER_REVIEW, "looking")
    doctor.mark(plan, bedside.Stage.IN_USE, "")
    doctor.approve(plan, [bedside.Section.CPR], doctor.plan(plan).version, None)
    assert doctor.held(plan) == []
    nothing = bedside.ApiError
    raises(nothing, lambda: doctor.review_held(plan, nurse.history(plan)[0].entry, True, "no such"))


def lists(nurse: bedside.Device, plan: str) -> None:
    nurse.take_on(plan)
    day = time.strftime("%Y-%m-%d")
    visit = nurse.plan_visit(plan, bedside.NewVisit(day=day, time="14:30", note="syringe driver"))
    assert nurse.visits(day, None, 10).rows[0].visit.id == visit
    assert nurse.worklist(bedside.Worklist.CASELOAD, None, 10).rows[0].plan.plan == plan
    assert nurse.worklist_counts().caseload == 1
    nurse.mark_visit(visit, True)
    nurse.cancel_visit(visit)
    nurse.hand_back(plan)


def shows(nurse: bedside.Device, plan: str) -> None:
    """What is shown on request, who looked, pages for their readers, and looking without consent."""
    with bedside.editing(nurse, plan) as draft:
        draft.keep_in(bedside.Compartment.RESTRICTED)
        draft.set("home.key_safe", leaf(bedside.Answer.TEXT(text="2580#")))
    assert [value.text for value in nurse.reveal(plan, "home.key_safe")] == ["2580#"]
    assert nurse.access_record(plan)[0].act == "reveal"
    text = nurse.page_text(plan, bedside.Audience.URGENT)
    assert text.startswith("SMITH") and "2580#" not in text
    assert "<html" in nurse.page_html(plan, None)
    assert "SMITH" in nurse.print(plan, bedside.Audience.SUMMARY)
    assert nurse.access_record(plan)[0].act == "print"
    confides(nurse, plan)
    why = "she has collapsed"
    raises(bedside.ApiError.NotAllowed, lambda: nurse.oversight(0, bedside.Cancel()))
    raises(bedside.ApiError.NotAllowed, lambda: nurse.break_glass(plan, bedside.Reason.EMERGENCY_TREATMENT, why))


def confides(nurse: bedside.Device, plan: str) -> None:
    """What is kept from the person: marked, left out of what leaves the device, and disclosed in the end."""
    with bedside.editing(nurse, plan) as draft:
        draft.keep_in(bedside.Compartment.PROFESSIONAL)
        draft.set("communication.mode", leaf(bedside.Answer.TEXT(text="not before her son")))
    assert nurse.kept_from_person(plan) == 1
    assert "her son" in nurse.page_text(plan, bedside.Audience.CARE_TEAM)
    for with_professional in (False, True):
        printed = nurse.print(plan, bedside.Audience.CARE_TEAM, with_professional)
        exported = nurse.export(plan, bedside.ExportFormat.CSV, with_professional)
        assert ("her son" in printed, "her son" in exported) == (with_professional, with_professional)
    with bedside.editing(nurse, plan) as draft:
        draft.disclose_answers("communication.mode")
        raises(bedside.ApiError.NotAllowed, lambda: draft.disclose(bedside.Section.CPR, []))
    assert nurse.kept_from_person(plan) == 0


def notes(world: World, plan: str) -> None:
    """The person's own words, before anybody has invited them."""
    person = world.device("person")
    person.note_text("wishes.about_me", "I taught music.")
    person.note("preferences.place_of_death_1", leaf(choice("preferences.place_of_death_1", "home")))
    assert [row.key for row in person.notebook()] == ["preferences.place_of_death_1", "wishes.about_me"]
    person.forget_note("preferences.place_of_death_1")
    raises(bedside.ApiError, lambda: person.hand_over(plan, False))
    assert [row.text for row in person.notebook()] == ["I taught music."]


def exchanges(nurse: bedside.Device, plan: str) -> None:
    document = nurse.export(plan, bedside.ExportFormat.FHIR)
    found = nurse.read_import(plan, document.encode())
    assert found.found().same > 0
    raises(bedside.ApiError.Invalid, lambda: nurse.take_import(plan, found, False))


def hears(nurse: bedside.Device, plan: str) -> None:
    with bedside.events(nurse) as heard:
        with bedside.editing(nurse, plan) as draft:
            draft.set_text("wishes.about_me", "By the window.")
        while not isinstance(heard.get(timeout=LONG), bedside.Event.PLAN):
            pass
        nurse.foreground()
        nurse.network(True)
        while not (isinstance(event := heard.get(timeout=LONG), bedside.Event.SYNC) and in_step(event.status)):
            pass
        nurse.background()
    assert isinstance(nurse.sync_status(), bedside.SyncStatus.OFFLINE)
    cancel = bedside.Cancel()
    cancel.cancel()
    raises(bedside.ApiError.Cancelled, lambda: nurse.sync(cancel))


def in_step(status: bedside.SyncStatus) -> bool:
    return isinstance(status, bedside.SyncStatus.IN_STEP) and status.live


def locks(world: World, nurse: bedside.Device, plan: str) -> None:
    nurse.change_pin(PIN, "314159")
    nurse.lock()
    raises(bedside.ApiError.Locked, lambda: nurse.plan(plan))
    wrong = raises(bedside.ApiError.WrongPin, lambda: nurse.unlock(PIN))
    assert wrong.attempts_left == 9 and "wrong PIN" in str(wrong)
    nurse.remember("314159", int(time.time() * 1000) + 600_000)
    nurse.suspend()
    nurse.resume()
    assert nurse.unlock_remembered()
    nurse.lock()
    nurse.suspend()
    with bedside.opened(str(world.folder / "nurse"), world.keys("nurse")) as again:
        again.unlock("314159")
        assert again.plan(plan).banner.family == "SMITH"
    assert bedside.repair(str(world.folder / "nurse"), world.keys("nurse"), "314159").moved_to == []


def shares(world: World, doctor: bedside.Device, plan: str) -> None:
    """A second person on the doctor's tablet."""
    [first] = doctor.identities()
    doctor.rename_identity(first.id, "Ben")
    second = doctor.add_identity(first.id, PIN, "Cara", "161803")
    doctor.unlock_as(second, "161803")
    assert [row.label for row in doctor.identities() if row.here] == ["Cara"]
    doctor.unlock_as(first.id, PIN)
    doctor.remove_identity(second)
    doctor.lock()
    doctor.suspend()
    directory = str(world.folder / "doctor")
    assert [row.label for row in bedside.identities_in(directory)] == ["Ben"]
    assert bedside.repair_as(directory, world.keys("doctor"), first.id, PIN).moved_to == []


def keeps(world: World) -> None:
    """A key store written in Python, and one of the library's."""

    class Keys(bedside.KeyStore):
        def __init__(self) -> None:
            self.secrets: dict[str, bytes] = {}

        def load(self, name: str) -> bytes | None:
            return self.secrets.get(name)

        def save(self, name: str, secret: bytes) -> None:
            self.secrets[name] = secret

        def delete(self, name: str) -> None:
            raise bedside.KeyStoreError.Unavailable("the screen is locked")

    keys = Keys()
    device = bedside.Device.create(str(world.folder / "own-keys"), keys, PIN)
    assert set(keys.secrets) == {"device-secret", "transport-key"}
    assert "screen is locked" in raises(bedside.ApiError.KeyStore, device.lock).why
    files = bedside.file_key_store(str(world.folder / "files"))
    files.save("name", b"secret")
    assert files.load("name") == b"secret"
    files.delete("name")
    assert files.load("name") is None


NHS = {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": JANE}
NAME = {"use": "usual", "family": "Smith", "given": ["Jane"]}


def speaks(nurse: bedside.Device, plan: str) -> None:
    """The language is the process's: what it lacks is said in English."""
    bedside.speak("art", ["title-care-team = Ko lo mi\nrefused-nothing-to-endorse = Nulo ma\n"])
    assert "Ko lo mi" in nurse.page_html(plan, bedside.Audience.CARE_TEAM)
    nothing = raises(bedside.ApiError.NotAllowed, lambda: nurse.draft(plan).endorse(bedside.Section.LEGAL))
    assert nothing.reason == "Nulo ma", nothing.reason
    raises(bedside.ApiError.Invalid, lambda: bedside.speak("no tag", []))
    bedside.speak("en-GB", [])


def main() -> None:
    found = exported()
    record(found)
    before = bedside.objects_alive()
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        try:
            admin, nurse, doctor = joins(world)
            plan = writes(nurse, doctor)
            reads(nurse, plan)
            approves(nurse, doctor, plan)
            lists(nurse, plan)
            shows(nurse, plan)
            speaks(nurse, plan)
            notes(world, plan)
            exchanges(nurse, plan)
            hears(nurse, plan)
            locks(world, nurse, plan)
            shares(world, doctor, plan)
            keeps(world)
            del admin, nurse, doctor
        finally:
            world.close()
    gc.collect()
    assert bedside.objects_alive() == before, f"{bedside.objects_alive() - before} objects are not given back"
    missing = sorted(set(found) - called)
    assert not missing, f"exported and not called here: {missing}"
    stray = [name for name in bedside.__all__ if not re.fullmatch(r"\w+", name) or not hasattr(bedside, name)]
    assert not stray, f"named and not there: {stray}"
    print(f"python: {len(found)} functions called")
    print(f"{len(found)} passed, 0 failed")


main()
