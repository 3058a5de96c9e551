"""The operators' pages, beside the lists of the admin; and whether the process lives and is
ready.
"""

from __future__ import annotations

from django.urls import path

from console import dashboard, health
from console.pages import (
    arrivals,
    campaigns,
    demand,
    demand_errors,
    demand_uploads,
    downloads,
    dry_runs,
    fairness,
    jobs,
    lake,
    privacy,
    rank_files,
    registrations,
    score_files,
    supplements,
    wave_actions,
    waves,
)
from console.people import pages as people
from console.people.set_password import SetPassword

CAMPAIGN, WAVE, DEMAND = (
    "admin/campaign/<str:campaign_id>",
    "admin/wave/<str:name>",
    "admin/demand-archive",
)

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("admin/now/", dashboard.now_live, name="now-live"),
    path(f"{CAMPAIGN}/", campaigns.campaign, name="campaign"),
    path(f"{CAMPAIGN}/open/", campaigns.open_it, name="open-campaign"),
    path(f"{CAMPAIGN}/close/", campaigns.close_it, name="close-campaign"),
    path(f"{CAMPAIGN}/prove/", campaigns.prove, name="prove-campaign"),
    path(f"{CAMPAIGN}/entropy/", campaigns.enter_entropy, name="enter-entropy"),
    path(f"{CAMPAIGN}/undo-activation/", campaigns.undo_activation, name="undo-activation"),
    path(f"{CAMPAIGN}/scores/", score_files.upload_scores, name="upload-scores"),
    path(f"{CAMPAIGN}/scores/permit/", arrivals.permit_upload, name="permit-upload"),
    path(f"{CAMPAIGN}/scores/uploaded/", arrivals.uploaded, name="uploaded-scores"),
    path("admin/arrival/<int:pk>/", arrivals.arrival, name="arrival"),
    path(f"{CAMPAIGN}/ranks/", rank_files.upload_ranks, name="upload-ranks"),
    path(
        f"{CAMPAIGN}/registrations/",
        registrations.upload_registrations,
        name="upload-registrations",
    ),
    path(f"{CAMPAIGN}/waves/new/", waves.new_wave, name="new-wave"),
    path("admin/score-file/<int:pk>/", score_files.score_file, name="score-file"),
    path("admin/score-file/<int:pk>/try/", dry_runs.start, name="try-score-file"),
    path("admin/score-file/<int:pk>/start/", score_files.start_scores, name="start-score-file"),
    path("admin/score-file/<int:pk>/activate/", score_files.activate, name="activate-score-file"),
    path("admin/score-file/<int:pk>/supplement/", supplements.upload, name="supplement-score-file"),
    path("admin/score-file/<int:pk>/fairness/", fairness.fairness, name="fairness"),
    path("admin/score-file/<int:pk>/fairness/make/", fairness.make_report, name="make-fairness"),
    path("admin/score-file/<int:pk>/download/", downloads.score_file, name="download-score-file"),
    path("admin/rank-file/<int:pk>/", rank_files.rank_file, name="rank-file"),
    path("admin/rank-file/<int:pk>/start/", rank_files.start, name="start-rank-file"),
    path("admin/registrations/<int:pk>/", registrations.registration_import, name="registrations"),
    path(
        "admin/registrations/<int:pk>/corrections/",
        registrations.upload_corrections,
        name="correct-registrations",
    ),
    path(
        "admin/registrations/<int:pk>/download/",
        downloads.registrations,
        name="download-registrations",
    ),
    path("admin/job/<int:pk>/", jobs.job, name="job"),
    path("admin/job/<int:pk>/live/", jobs.job_live, name="job-live"),
    path("admin/job/<int:pk>/pause/", jobs.steer, {"how": "pause"}, name="pause-job"),
    path("admin/job/<int:pk>/cancel/", jobs.steer, {"how": "cancel"}, name="cancel-job"),
    path("admin/job/<int:pk>/resume/", jobs.steer, {"how": "resume"}, name="resume-job"),
    path(f"{WAVE}/", waves.wave, name="wave"),
    path(f"{WAVE}/live/", waves.wave_live, name="wave-live"),
    path(f"{WAVE}/approve/", wave_actions.approve, name="approve-wave"),
    path(f"{WAVE}/schedule/", wave_actions.put_on_schedule, name="schedule-wave"),
    path(f"{WAVE}/unschedule/", wave_actions.unschedule, name="unschedule-wave"),
    path(f"{WAVE}/trigger/", wave_actions.trigger, name="trigger-wave"),
    path(f"{WAVE}/reschedule/", wave_actions.reschedule, name="reschedule-wave"),
    path(f"{WAVE}/pause/", wave_actions.pause, name="pause-wave"),
    path(f"{WAVE}/resume/", wave_actions.resume, name="resume-wave"),
    path(f"{WAVE}/retry/", wave_actions.retry_failed, name="retry-wave"),
    path(f"{WAVE}/cancel/", wave_actions.cancel, name="cancel-wave"),
    path(f"{WAVE}/reset/", wave_actions.reset, name="reset-wave"),
    path(f"{WAVE}/download/", downloads.wave_zip, name="download-wave"),
    path("admin/dead-letters/replay/", lake.replay_letters, name="replay-dead-letters"),
    path("admin/dead-letters/<int:pk>/replay/", lake.replay_letter, name="replay-dead-letter"),
    path("admin/lake/merge/", lake.merge_lake, name="merge-lake"),
    path(f"{DEMAND}/", demand.overview, name="demand"),
    path(f"{DEMAND}/find/", demand.find, name="demand-find"),
    path(f"{DEMAND}/record/<int:pk>/", demand.record, name="demand-record"),
    path(f"{DEMAND}/error-file/<int:pk>/", demand_errors.error_file, name="demand-error-file"),
    path(
        f"{DEMAND}/error-file/<int:pk>/replay/",
        demand_errors.replay_all,
        name="replay-demand-errors",
    ),
    path(
        f"{DEMAND}/error-file/<int:pk>/repair/", demand_errors.repair, name="repair-demand-errors"
    ),
    path(f"{DEMAND}/upload/", demand_uploads.upload, name="upload-demand"),
    path(f"{DEMAND}/upload/<int:pk>/", demand_uploads.uploaded, name="demand-upload"),
    path("admin/stop-all/", wave_actions.stop_all, name="stop-all"),
    path("admin/providers/", wave_actions.providers, name="providers"),
    path("admin/providers/<int:pk>/resume/", wave_actions.resume_provider, name="resume-provider"),
    path("admin/personal-data/", privacy.unmask, name="unmask"),
    path("admin/find/", privacy.find, name="find"),
    path("admin/users/invite/", people.invite, name="invite-user"),
    path("admin/users/<int:pk>/", people.user, name="user"),
    path("admin/users/<int:pk>/link/", people.send_link, name="send-link"),
    path("admin/users/<int:pk>/deactivate/", people.deactivate, name="deactivate-user"),
    path("admin/users/<int:pk>/reactivate/", people.reactivate, name="reactivate-user"),
    path("admin/users/<int:pk>/forget/", people.forget_failures, name="forget-failures"),
    path("admin/roles/", people.roles, name="roles"),
    path("set-password/<str:uidb64>/<str:token>/", SetPassword.as_view(), name="set-password"),
]
