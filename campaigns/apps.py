from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = "Campaigns"

    def ready(self) -> None:
        from campaigns import registrations, scorefiles
        from campaigns.tasks import RUNNERS
        from datalake import save
        from datalake.streams import consumers
        from operations import jobs, tasks

        tasks.RUNNERS.update(RUNNERS)
        jobs.CANCELLED[scorefiles.JOB] = scorefiles.forget_cancelled
        consumers.register(
            "registrations", "input", registrations.take_from_stream, types={"registration"}
        )
        save.WATCHERS.append(scorefiles.mark_saved)
