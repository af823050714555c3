"""competitions.CompetitionApiService: lists, data files, submissions."""

from __future__ import annotations

from tests.fake_kaggle.blobs import Blob, zip_of
from tests.fake_kaggle.state import (
    Competition,
    Outcome,
    Progress,
    Submission,
    World,
    page,
    text,
)
from tests.fake_kaggle.wire import Json, Refused

SITE = "https://www.kaggle.com"
FORBIDDEN = "Forbidden"  # the real answer gives no reason either


class CompetitionCalls:
    def __init__(self, world: World) -> None:
        self.world = world

    def _competition(self, body: Json, *, entered: bool = False) -> Competition:
        found = self.world.competitions.get(body.get("competitionName") or "")
        if found is None:
            raise Refused(404, "Not found")
        if entered and not found.entered:
            raise Refused(403, FORBIDDEN)
        return found

    def list_competitions(self, body: Json) -> Json:
        wanted = (body.get("search") or "").lower()
        items: list[Json] = [
            {
                "ref": found.slug if self.world.short_refs else f"{SITE}/competitions/{found.slug}",
                "title": found.title,
                "category": "Getting Started",
                "reward": "Knowledge",
                "deadline": "2030-01-01T00:00:00Z",
                "userHasEntered": found.entered,
                "isKernelsSubmissionsOnly": found.code_only,
                "maxDailySubmissions": found.daily_limit,
            }
            for found in self.world.competitions.values()
            if wanted in found.slug.lower() or wanted in found.title.lower()
        ]
        return page(items, body, "competitions")

    def list_data_files(self, body: Json) -> Json:
        made = "2026-01-02T03:04:05Z"
        items: list[Json] = [
            {"name": name, "totalBytes": len(data), "creationDate": made}
            for name, data in self._competition(body).files.items()
        ]
        return page(items, body, "files")

    def download_data_files(self, body: Json) -> Blob:
        found = self._competition(body, entered=True)
        return Blob(f"{found.slug}.zip", zip_of(found.files))

    def download_data_file(self, body: Json) -> Blob:
        found = self._competition(body, entered=True)
        name = body.get("fileName") or ""
        if name not in found.files:
            raise Refused(404, "Not found")
        data = found.files[name]
        if name in found.zipped:
            return Blob(f"{name}.zip", zip_of({name.rpartition("/")[2]: data}))
        return Blob(name, data)

    def list_submissions(self, body: Json) -> Json:
        """Newest first. Each look moves every submission of the competition on."""
        found = self._competition(body)
        items = [self._row(submission) for submission in reversed(found.submissions)]
        size = int(body.get("pageSize") or 20)
        if (number := int(body.get("page") or 1)) > 1 and not body.get("pageToken"):
            body = {**body, "pageToken": f"page-{(number - 1) * size}"}
        return page(items, body, "submissions")

    def _row(self, submission: Submission) -> Json:
        status = submission.progress.look()
        outcome = submission.outcome
        row: Json = {
            "ref": submission.ref,
            "fileName": submission.file_name,
            "date": text(submission.date),
            "description": submission.description,
            "status": status,
            "totalBytes": len(submission.data),
            "submittedBy": self.world.user,
        }
        if status == "COMPLETE":
            row |= {"publicScore": outcome.public, "privateScore": outcome.private}
        if status == "ERROR" and outcome.error:
            row["errorDescription"] = outcome.error
        return row

    def start_submission_upload(self, body: Json) -> Json:
        self._competition(body, entered=True)
        return self.world.blobs.start_upload(body["fileName"], int(body.get("contentLength") or 0))

    def create_submission(self, body: Json) -> Json:
        found = self._competition(body, entered=True)
        if found.code_only:
            raise Refused(400, "This competition only accepts submissions from notebooks.")
        sent = self.world.blobs.received(body.get("blobFileTokens") or "")
        return self._submit(found, body, sent.name, bytes(sent.data))

    def create_code_submission(self, body: Json) -> Json:
        found = self._competition(body, entered=True)
        kernel = self.world.kernels.get(f"{body.get('kernelOwner')}/{body.get('kernelSlug')}")
        number = body.get("kernelVersion") or 0
        if kernel is None or not 1 <= number <= len(kernel.versions):
            raise Refused(404, "Not found")
        version = kernel.versions[number - 1]
        if version.progress.now != "COMPLETE":
            raise Refused(400, f"Version {number} of the notebook has not completed.")
        if found.code_only and version.request.get("enableInternet"):
            raise Refused(400, "The notebook has internet access, which this competition forbids.")
        name = body.get("fileName") or ""
        if name not in version.files():
            raise Refused(400, f"The notebook has no output file {name}.")
        return self._submit(found, body, name, version.files()[name])

    def _submit(self, found: Competition, body: Json, name: str, data: bytes) -> Json:
        if not self._allowed(found):
            raise Refused(
                400,
                f"Submission not allowed: all {found.daily_limit} submissions of today are used.",
            )
        outcome = self._outcome(found, data)
        submission = Submission(
            next(self.world.numbers),
            name,
            body.get("submissionDescription") or "",
            self.world.now(),
            data,
            outcome,
            Progress(outcome.statuses),
        )
        found.submissions.append(submission)
        return {"message": f"Successfully submitted to {found.title}", "ref": submission.ref}

    def _outcome(self, found: Competition, data: bytes) -> Outcome:
        if found.judge is not None:
            return found.judge(data)
        return found.outcomes.pop(0) if len(found.outcomes) > 1 else found.outcomes[0]

    def _today(self, found: Competition) -> int:
        today = self.world.now().date()
        return sum(submission.date.date() == today for submission in found.submissions)

    def _allowed(self, found: Competition) -> int:
        return max(0, found.daily_limit - self._today(found))

    def get_submission_limits(self, body: Json) -> Json:
        found = self._competition(body)
        if not found.entered:
            return {}
        return {
            "numToday": self._today(found),
            "numTotal": len(found.submissions),
            "numAllowedNow": self._allowed(found),
        }
