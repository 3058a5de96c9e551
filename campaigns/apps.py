from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = "Campaigns"

    def ready(self) -> None:
        from campaigns import registrations
        from campaigns.tasks import RUNNERS
        from datalake.streams import consumers
        from operations import tasks

        tasks.RUNNERS.update(RUNNERS)
        consumers.register("registrations", "input", registrations.take_from_stream, types={"registration"})
