"""One settings module for every deployment, driven by the environment (env.py; documented in
.env.example).
"""

from __future__ import annotations

from csp.constants import NONCE, NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.urls import reverse_lazy

from fairwave import data_folder, env, secret_settings
from fairwave.theme import UNFOLD  # noqa: F401 how the operators' site looks

ROOT = env.ROOT
FAIRWAVE_DATA = env.data_folder()
if too_open := data_folder.narrow(FAIRWAVE_DATA):
    env.mistakes.append(too_open)
DEBUG = False
# A folder that is refused stays as it is
SECRET_KEY = env.text("SECRET_KEY") if too_open else env.secret_key(FAIRWAVE_DATA)
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
BEHIND_TLS = env.switch("BEHIND_TLS", False)
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")
IS_REACHED_BY_OTHERS = secret_settings.is_reached_by_others(ALLOWED_HOSTS, behind_tls=BEHIND_TLS)
# Nobody else can reach the site: defaults of secrets are good enough (secret_settings.py)
IS_LOCAL_MACHINE = secret_settings.is_local(
    env.text("DATABASE_URL"), ALLOWED_HOSTS, behind_tls=BEHIND_TLS
)
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS if BEHIND_TLS and host != "*"]

INSTALLED_APPS = [
    "operations",
    "datalake",
    "demand",
    "campaigns",
    "waves",
    "stats",
    "console",
    "unfold.apps.BasicAppConfig",
    "console.apps.SiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "csp",
    "django_q",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "operations.correlation.CorrelationMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "console.error_pages.ErrorPagesMiddleware",
    "operations.entry.requests.IncomingMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "fairwave.urls"
CSRF_FAILURE_VIEW = "console.error_pages.csrf_failure"
WSGI_APPLICATION = "fairwave.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ]
        },
    }
]

DATABASES = {"default": env.database(FAIRWAVE_DATA)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AWS_ENDPOINT_URL = env.address("AWS_ENDPOINT_URL")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "scoring": env.bucket("SCORING_BUCKET", FAIRWAVE_DATA / "scoring", AWS_ENDPOINT_URL),
    "campaign-data": env.bucket(
        "CAMPAIGN_DATA_BUCKET", FAIRWAVE_DATA / "campaign-data", AWS_ENDPOINT_URL
    ),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
FORMAT_MODULE_PATH = ["fairwave.formats"]
STATIC_URL = "static/"
STATIC_ROOT = FAIRWAVE_DATA / "static"
STATICFILES_DIRS = [ROOT / "static"]
WHITENOISE_USE_FINDERS = True
FILE_UPLOAD_TEMP_DIR = None
# Django would open what its storages write to everybody
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o600, 0o700
# to a temporary file, for staff, up to UPLOAD_MAX_BYTES
FILE_UPLOAD_HANDLERS = ["console.uploads.GuardedUpload"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
# a new wave's form has seven for each market of its campaign
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000
UPLOAD_MAX_BYTES = env.whole("UPLOAD_MAX_BYTES", 4_000_000_000, most=1_000_000_000_000)

# Safety of pages. Secure cookies and HSTS are for deployments behind TLS; a laptop's
# http://localhost goes without.
LOGIN_URL = reverse_lazy("admin:login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = BEHIND_TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS else None
SECURE_HSTS_SECONDS = 31_536_000 if BEHIND_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = BEHIND_TLS
SESSION_COOKIE_AGE = 12 * 3600
X_FRAME_OPTIONS = "DENY"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# how long a link to choose a password works
PASSWORD_RESET_TIMEOUT = 3600 * env.whole("PASSWORD_LINK_HOURS", 72, most=720)
# The theme's Alpine.js evaluates expressions and sets styles; nothing else may.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE, UNSAFE_EVAL],
        "style-src": [SELF, UNSAFE_INLINE],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# The public pages of a draw run no script at all.
PUBLIC_CONTENT_SECURITY_POLICY = {"script-src": [NONE], "style-src": [SELF]}
# One of them runs one script of ours, which reads files of ours; its form is never sent.
CHECK_CONTENT_SECURITY_POLICY = {
    "script-src": [SELF],
    "style-src": [SELF],
    "connect-src": [SELF],
    "form-action": [NONE],
}

# Work. A task in the queue only names the row to look at: every option that decides about losing or
# doubling tasks is set, and none matters to the result. [O-6]
JOB_LEASE_SECONDS = env.whole("JOB_LEASE_SECONDS", 45, least=5, most=60)
# processes of a machine of which each has been silent for so long are forgotten
HOST_FORGOTTEN_SECONDS = env.whole("HOST_FORGOTTEN_SECONDS", 1_800, least=300, most=86_400)
# of days that are older, the last figures of each campaign are kept
STATISTICS_DAYS = env.whole("STATISTICS_DAYS", 30, most=3_650)
# for how many days old rows are kept; the checks say which must be longer than which [O-10]
RETENTION_STREAM_DAYS = env.whole("RETENTION_STREAM_DAYS", 30, most=3_650)
RETENTION_IDENTITY_DAYS = env.whole("RETENTION_IDENTITY_DAYS", 120, most=3_650)
RETENTION_DEAD_LETTER_DAYS = env.whole("RETENTION_DEAD_LETTER_DAYS", 90, most=3_650)
RETENTION_CLAIM_DAYS = env.whole("RETENTION_CLAIM_DAYS", 400, most=3_650)
RETENTION_JOB_DAYS = env.whole("RETENTION_JOB_DAYS", 400, most=3_650)
RETENTION_ALERT_DAYS = env.whole("RETENTION_ALERT_DAYS", 90, most=3_650)
RETENTION_TASK_DAYS = env.whole("RETENTION_TASK_DAYS", 30, most=3_650)
RETENTION_BATCH_DAYS = env.whole("RETENTION_BATCH_DAYS", 400, most=3_650)
# after their campaign is archived; 0 = at once
RETENTION_SCORE_DAYS = env.whole("RETENTION_SCORE_DAYS", 0, least=0, most=3_650)
RETENTION_MEMBER_DAYS = env.whole("RETENTION_MEMBER_DAYS", 400, most=3_650)
RETENTION_REPORT_DAYS = env.whole("RETENTION_REPORT_DAYS", 400, most=3_650)
TASK_BROKER = env.choice("TASK_BROKER", "orm", ["orm", "redis", "sqs"])
REDIS_URL = env.redis("REDIS_URL")
TASK_TIMEOUT_SECONDS = 6 * 3600
# workers for due waves alone: `Q_CLUSTER_NAME=waves manage.py qcluster`
WAVE_WORKERS = env.whole("WAVE_WORKERS", 1, most=64)
BROKERS: dict[str, dict[str, object]] = {
    "orm": {"orm": "default"},
    "redis": {"redis": REDIS_URL},
    "sqs": {
        "broker_class": "datalake.aws.task_broker.SqsBroker",
        "sqs": {"receive_message_wait_time_seconds": 5},
    },
}
Q_CLUSTER = BROKERS[TASK_BROKER] | {
    "name": "fairwave",
    "workers": env.whole("TASK_WORKERS", 2, most=64),
    "timeout": TASK_TIMEOUT_SECONDS,
    "retry": TASK_TIMEOUT_SECONDS + 600,
    "max_attempts": 1,
    "ack_failures": True,
    "catch_up": False,
    "queue_limit": 2,
    "bulk": 1,
    "save_limit": 100,
    "poll": 0.5,
    "recycle": 50,
    "label": "Background tasks",
    "ALT_CLUSTERS": {"waves": {"workers": WAVE_WORKERS}},
}

# Providers
SMS_PROVIDER = env.text("SMS_PROVIDER", "http")
SMS_FALLBACK = env.text("SMS_FALLBACK")
SMS_URL = env.address("SMS_URL", "http://127.0.0.1:8099")
SMS_TOKEN = env.text("SMS_TOKEN", "sandbox")
SMS_CONCURRENCY = env.whole("SMS_CONCURRENCY", 200, most=10_000)
SMS_PER_SECOND = env.whole("SMS_PER_SECOND", 200)
SMS_HONOURS_KEYS = env.switch("SMS_HONOURS_KEYS", True)
TWILIO_URL = env.address("TWILIO_URL", "https://api.twilio.com")
TWILIO_ACCOUNT_SID = env.text("TWILIO_ACCOUNT_SID")
TWILIO_AUTH_TOKEN = env.text("TWILIO_AUTH_TOKEN")
TWILIO_SENDER = env.text("TWILIO_SENDER")
INFOBIP_URL = env.address("INFOBIP_URL")
INFOBIP_API_KEY = env.text("INFOBIP_API_KEY")
INFOBIP_SENDER = env.text("INFOBIP_SENDER")
INFOBIP_HONOURS_KEYS = env.switch("INFOBIP_HONOURS_KEYS", True)
INFOBIP_SIGNATURE_SECRET = env.text("INFOBIP_SIGNATURE_SECRET")
INFOBIP_SIGNATURE_HEADER = env.text("INFOBIP_SIGNATURE_HEADER", "X-Signature")
SMS_RATES = env.prices("SMS_RATES")
# who may be sent test messages: addresses, and phone numbers as +12065550100
TEST_RECIPIENTS = env.contacts("TEST_RECIPIENTS")
# how often in 24 hours one fan's code is sent again, and one person may send codes again
RESENDS_PER_FAN = env.whole("RESENDS_PER_FAN", 3)
RESENDS_PER_PERSON = env.whole("RESENDS_PER_PERSON", 50)
SMS_CURRENCY = env.text("SMS_CURRENCY", "USD")
RECEIPT_SECRET = env.text("RECEIPT_SECRET", "sandbox")
EMAIL_PROVIDER = env.text("EMAIL_PROVIDER", "django")
EMAIL_CONNECTIONS = env.whole("EMAIL_CONNECTIONS", 10, most=1_000)
EMAIL_PER_SECOND = env.whole("EMAIL_PER_SECOND", 100)
MAIL_SERVER = env.mail_server("EMAIL_URL", FAIRWAVE_DATA / "emails")
EMAIL_BACKEND = env.text("EMAIL_BACKEND", MAIL_SERVER.backend)
EMAIL_FILE_PATH = MAIL_SERVER.folder
EMAIL_HOST, EMAIL_PORT = MAIL_SERVER.host, MAIL_SERVER.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = MAIL_SERVER.user, MAIL_SERVER.password
EMAIL_USE_TLS, EMAIL_USE_SSL = MAIL_SERVER.starts_tls, MAIL_SERVER.is_tls
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM", "presale@localhost")
# names of the DKIM keys that e-mails of ours are signed with; a pre-flight looks them up
EMAIL_DKIM_SELECTORS = env.words("EMAIL_DKIM_SELECTORS")
# postmark, mailgun …: a module of anymail.backends
ANYMAIL_ESP = env.text("ANYMAIL_ESP").lower()
# name:password, with which the provider posts its events
ANYMAIL_WEBHOOK_SECRET = env.text("ANYMAIL_WEBHOOK_SECRET")
ANYMAIL = (
    {"IGNORE_UNSUPPORTED_FEATURES": True}
    | env.json_object("ANYMAIL_SETTINGS")
    | {"WEBHOOK_SECRET": ANYMAIL_WEBHOOK_SECRET}
)
SFMC_AUTH_URL = env.address("SFMC_AUTH_URL")
SFMC_CLIENT_ID = env.text("SFMC_CLIENT_ID")
SFMC_CLIENT_SECRET = env.text("SFMC_CLIENT_SECRET")
SFMC_ACCOUNT_ID = env.text("SFMC_ACCOUNT_ID")
SFMC_DEFINITION_KEY = env.text("SFMC_DEFINITION_KEY")
SFMC_SIGNATURE_KEY = env.text("SFMC_SIGNATURE_KEY")
CODE_SERVICE_URL = env.address("CODE_SERVICE_URL")
CODE_SERVICE_TOKEN = env.text("CODE_SERVICE_TOKEN")
# one call with its repeats
CODE_SERVICE_SECONDS = env.whole("CODE_SERVICE_SECONDS", 60, most=3_600)
CODE_SERVICE_CONCURRENCY = env.whole("CODE_SERVICE_CONCURRENCY", 50, most=1_000)
DRAND_URLS = env.addresses(
    "DRAND_URLS",
    "https://api.drand.sh,https://api2.drand.sh,https://api3.drand.sh,https://drand.cloudflare.com",
)
SLACK_WEBHOOK_URL = env.address("SLACK_WEBHOOK_URL")
WATCHDOG_URL = env.address("WATCHDOG_URL")
METRICS_TOKEN = env.text("METRICS_TOKEN")
S3_EVENTS_QUEUE = env.address("S3_EVENTS_QUEUE")
EMAIL_QUEUE = env.address("EMAIL_QUEUE")
VERDICT_QUEUE = env.address("VERDICT_QUEUE")
ARCHIVE_QUEUE = env.address("ARCHIVE_QUEUE")
DEMAND_PREFIX = env.text("DEMAND_PREFIX", "demand").strip("/")
DEMAND_TABLE = env.text("DEMAND_TABLE")
GLUE_DATABASE = env.text("GLUE_DATABASE")
ATHENA_WORKGROUP = env.text("ATHENA_WORKGROUP")
ATHENA_OUTPUT = env.text("ATHENA_OUTPUT")
LAKE_QUERY_SECONDS = env.whole("LAKE_QUERY_SECONDS", 120, most=3_600)
LAKE_QUERY_ROWS = env.whole("LAKE_QUERY_ROWS", 10_000, most=1_000_000)
LAKE_QUERY_MEMORY_MB = env.whole("LAKE_QUERY_MEMORY_MB", 1_024, least=512, most=65_536)
STREAM_ENGINE = env.choice("STREAM_ENGINE", "postgres", ["postgres", "kinesis"])
# stream → its name at Kinesis, where that is not fairwave-STREAM
KINESIS_STREAMS = env.json_object("KINESIS_STREAMS")
REQUIRE_BLACKLIST = env.switch("REQUIRE_BLACKLIST", False)
WAVES_FOUR_EYES = env.switch("WAVES_FOUR_EYES", True)
PREVIEWS_AT_ONCE = env.whole("PREVIEWS_AT_ONCE", 2, most=64)
PREPARATION_RETRY_SECONDS = env.whole("PREPARATION_RETRY_SECONDS", 300, most=86_400)
SITE_URL = env.address("SITE_URL", "http://127.0.0.1:8000")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "fairwave.logs.formatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {
        "handlers": ["stderr"],
        "level": env.choice("LOG_LEVEL", "INFO", ["DEBUG", "INFO", "WARNING", "ERROR"]),
    },
    "loggers": {"django.server": {"propagate": True}},
}
