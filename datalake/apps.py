from django.apps import AppConfig


class DatalakeConfig(AppConfig):
    name = "datalake"
    verbose_name = "Data lake"
