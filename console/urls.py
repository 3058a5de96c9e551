"""The operators' pages, beside the lists of the admin; and whether the process lives and is
ready.
"""

from __future__ import annotations

from django.urls import path

from console import dashboard, health
from console.pages import (
    arrivals,
    campaigns,
    codes,
    downloads,
    dry_runs,
    fairness,
    jobs,
    privacy,
    rank_files,
    registrations,
    score_files,
    supplements,
    suspicious,
    waiting_lists,
    wave_actions,
    wave_planning,
    waves,
)
from console.pages.before_approval import preflights, rehearsals
from console.pages.demand import archive as demand_archive
from console.pages.demand import error_files as demand_error_files
from console.pages.demand import uploads as demand_uploads
from console.pages.lake import calendar as lake
from console.pages.lake import letters, merging, parity
from console.pages.lake import queries as lake_queries
from console.pages.messages import of_wave, resend
from console.pages.planning import follow_up
from console.pages.statistics import campaign as statistics
from console.pages.statistics import metrics
from console.pages.suppression import contacts as suppressed
from console.pages.suppression import unsubscribing
from console.pages.system import retention, services
from console.pages.templates import preview, trial
from console.pages.uploads import waves as uploaded_waves
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
    path("unsubscribe/<str:token>", unsubscribing.page, name="unsubscribe"),
    path("admin/now/", dashboard.now_live, name="now-live"),
    path(f"{CAMPAIGN}/", campaigns.campaign, name="campaign"),
    path(f"{CAMPAIGN}/statistics/", statistics.campaign_statistics, name="campaign-statistics"),
    path(f"{CAMPAIGN}/open/", campaigns.open_it, name="open-campaign"),
    path(f"{CAMPAIGN}/delete/", campaigns.delete_it, name="delete-campaign"),
    path(f"{CAMPAIGN}/close/", campaigns.close_it, name="close-campaign"),
    path(f"{CAMPAIGN}/archive/", campaigns.archive_it, name="archive-campaign"),
    path(f"{CAMPAIGN}/prove/", campaigns.prove, name="prove-campaign"),
    path(f"{CAMPAIGN}/entropy/", campaigns.enter_entropy, name="enter-entropy"),
    path(f"{CAMPAIGN}/entropy/fetch/", campaigns.fetch_entropy, name="fetch-entropy"),
    path(f"{CAMPAIGN}/source/move/", campaigns.move_source, name="move-source"),
    path(f"{CAMPAIGN}/undo-activation/", campaigns.undo_activation, name="undo-activation"),
    path(f"{CAMPAIGN}/scores/", score_files.upload_scores, name="upload-scores"),
    path(f"{CAMPAIGN}/scores/permit/", arrivals.permit_upload, name="permit-upload"),
    path(f"{CAMPAIGN}/scores/uploaded/", arrivals.uploaded, name="uploaded-scores"),
    path("admin/arrival/<int:pk>/", arrivals.arrival, name="arrival"),
    path("admin/arrival/<int:pk>/take/", arrivals.take_late, name="take-late-arrival"),
    path(f"{CAMPAIGN}/ranks/", rank_files.upload_ranks, name="upload-ranks"),
    path(
        f"{CAMPAIGN}/registrations/",
        registrations.upload_registrations,
        name="upload-registrations",
    ),
    path(f"{CAMPAIGN}/codes/", codes.import_codes, name="import-codes"),
    path("admin/lake-query/", lake_queries.query_lake, name="query-lake"),
    path("admin/lake-query/<int:pk>/", lake_queries.lake_query, name="lake-query"),
    path("admin/lake-query/<int:pk>/csv/", lake_queries.lake_query_csv, name="lake-query-csv"),
    path("admin/suppressed/", suppressed.suppressed, name="suppressed"),
    path("admin/suppressed/add/", suppressed.suppress_contact, name="suppress-contact"),
    path("admin/suppressed/file/", suppressed.suppress_file, name="suppress-file"),
    path("admin/suppressed/<int:pk>/", suppressed.suppressed_contact, name="suppressed-contact"),
    path("admin/suppressed/<int:pk>/lift/", suppressed.lift_suppression, name="lift-suppression"),
    path("admin/find-code/", codes.find_code, name="find-code"),
    path("admin/code-file/<int:pk>/", codes.code_file, name="code-file"),
    path("admin/code-file/<int:pk>/download/", downloads.code_file, name="download-code-file"),
    path(f"{CAMPAIGN}/waves/upload/", uploaded_waves.upload_wave, name="upload-wave"),
    path(f"{CAMPAIGN}/waves/new/", wave_planning.new_wave, name="new-wave"),
    path(f"{CAMPAIGN}/waves/top-up/", follow_up.top_up_wave, name="top-up-wave"),
    path(
        f"{CAMPAIGN}/waves/not-selected/",
        follow_up.not_selected_wave,
        name="not-selected-wave",
    ),
    path("admin/score-file/<int:pk>/", score_files.score_file, name="score-file"),
    path("admin/score-file/<int:pk>/try/", dry_runs.start, name="try-score-file"),
    path("admin/score-file/<int:pk>/start/", score_files.start_scores, name="start-score-file"),
    path("admin/score-file/<int:pk>/activate/", score_files.activate, name="activate-score-file"),
    path("admin/score-file/<int:pk>/name/", score_files.name, name="name-score-file"),
    path("admin/score-file/<int:pk>/supplement/", supplements.upload, name="supplement-score-file"),
    path("admin/score-file/<int:pk>/fairness/", fairness.fairness, name="fairness"),
    path("admin/score-file/<int:pk>/fairness/make/", fairness.make_report, name="make-fairness"),
    path("admin/score-file/<int:pk>/suspicious/", suspicious.suspicious, name="suspicious"),
    path(
        "admin/score-file/<int:pk>/suspicious/find/",
        suspicious.find_groups,
        name="find-suspicious",
    ),
    path("admin/suspicious-group/<int:pk>/list/", suspicious.list_group, name="list-suspicious"),
    path("admin/score-file/<int:pk>/download/", downloads.score_file, name="download-score-file"),
    path("admin/rank-file/<int:pk>/", rank_files.rank_file, name="rank-file"),
    path("admin/rank-file/<int:pk>/start/", rank_files.start, name="start-rank-file"),
    path(f"{CAMPAIGN}/lists/late/", campaigns.take_late_lists, name="take-late-lists"),
    path(
        f"{CAMPAIGN}/registrations/late/",
        registrations.take_late_records,
        name="take-late-records",
    ),
    path(
        "admin/registrations/<int:pk>/take/",
        registrations.take_late,
        name="take-late-registrations",
    ),
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
    path(f"{WAVE}/messages/", of_wave.wave_messages, name="wave-messages"),
    path(f"{WAVE}/looked/", wave_actions.looked, name="looked-at-wave"),
    path(f"{WAVE}/preflight/", preflights.run_preflight, name="preflight-wave"),
    path(f"{WAVE}/rehearse/", rehearsals.start_rehearsal, name="rehearse-wave"),
    path(f"{WAVE}/rehearse/stop/", rehearsals.stop_rehearsal, name="stop-rehearsal"),
    path(f"{WAVE}/rehearse/live/", rehearsals.rehearsal_live, name="rehearsal-live"),
    path(f"{WAVE}/preflight/live/", preflights.preflight_live, name="preflight-live"),
    path(f"{WAVE}/approve/", wave_actions.approve, name="approve-wave"),
    path(f"{WAVE}/schedule/", wave_actions.put_on_schedule, name="schedule-wave"),
    path(f"{WAVE}/unschedule/", wave_actions.unschedule, name="unschedule-wave"),
    path(f"{WAVE}/trigger/", wave_actions.trigger, name="trigger-wave"),
    path(f"{WAVE}/reschedule/", wave_actions.reschedule, name="reschedule-wave"),
    path(f"{WAVE}/soft-start/", wave_actions.choose_soft_start, name="choose-soft-start"),
    path(f"{WAVE}/pause/", wave_actions.pause, name="pause-wave"),
    path(f"{WAVE}/resume/", wave_actions.resume, name="resume-wave"),
    path(f"{WAVE}/retry/", wave_actions.retry_failed, name="retry-wave"),
    path(f"{WAVE}/settle/", wave_actions.settle, name="settle-wave"),
    path(f"{WAVE}/cancel/", wave_actions.cancel, name="cancel-wave"),
    path(f"{WAVE}/reset/", wave_actions.reset, name="reset-wave"),
    path(f"{WAVE}/download/", downloads.wave_zip, name="download-wave"),
    path(f"{WAVE}/rejected/", downloads.wave_rejected, name="download-rejected-rows"),
    path(f"{WAVE}/waiting-list/", waiting_lists.waiting_list, name="waiting-list"),
    path(f"{WAVE}/waiting-list/download/", downloads.waiting_list, name="download-waiting-list"),
    path(f"{WAVE}/status/", downloads.wave_status, name="wave-status"),
    path("admin/dead-letters/", letters.letters, name="dead-letters"),
    path("admin/dead-letters/<int:pk>/", letters.letter, name="dead-letter"),
    path("admin/dead-letters/settle/", letters.settle_letters, name="settle-dead-letters"),
    path("admin/dead-letters/<int:pk>/settle/", letters.settle_letter, name="settle-dead-letter"),
    path("admin/dead-letters/replay/", letters.replay_letters, name="replay-dead-letters"),
    path("admin/dead-letters/<int:pk>/replay/", letters.replay_letter, name="replay-dead-letter"),
    path("admin/lake/", lake.lake, name="lake"),
    path("admin/lake/merge/", merging.merge_lake, name="merge-lake"),
    path("admin/lake/merge/period/", merging.merge_period, name="merge-period"),
    path("admin/lake/parity/", parity.results, name="parity"),
    path("admin/lake/parity/check/", parity.check, name="check-parity"),
    path("admin/retention/", retention.retention, name="retention"),
    path("admin/services/", services.services, name="services"),
    path("admin/services/live/", services.services_live, name="services-live"),
    path("admin/lake/archive/", merging.archive_period, name="archive-period"),
    path("admin/lake/<path:name>/", lake.period, name="lake-period"),
    path(f"{DEMAND}/", demand_archive.overview, name="demand"),
    path(f"{DEMAND}/find/", demand_archive.find, name="demand-find"),
    path(f"{DEMAND}/record/<int:pk>/", demand_archive.record, name="demand-record"),
    path(f"{DEMAND}/error-file/<int:pk>/", demand_error_files.error_file, name="demand-error-file"),
    path(
        f"{DEMAND}/error-file/<int:pk>/replay/",
        demand_error_files.replay_all,
        name="replay-demand-errors",
    ),
    path(
        f"{DEMAND}/error-file/<int:pk>/repair/",
        demand_error_files.repair,
        name="repair-demand-errors",
    ),
    path(f"{DEMAND}/upload/", demand_uploads.upload, name="upload-demand"),
    path(f"{DEMAND}/upload/<int:pk>/", demand_uploads.uploaded, name="demand-upload"),
    path("admin/success-metrics/", metrics.success_metrics, name="success-metrics"),
    path("admin/stop-all/", wave_actions.stop_all, name="stop-all"),
    path("admin/providers/", wave_actions.providers, name="providers"),
    path("admin/providers/<int:pk>/resume/", wave_actions.resume_provider, name="resume-provider"),
    path("admin/personal-data/", privacy.unmask, name="unmask"),
    path("admin/templates/preview/", preview.preview_template, name="preview-template"),
    path("admin/templates/test/", trial.send_test, name="test-template"),
    path("admin/find/", privacy.find, name="find"),
    path("admin/find/resend/", resend.send_again, name="resend"),
    path("admin/users/invite/", people.invite, name="invite-user"),
    path("admin/users/<int:pk>/", people.user, name="user"),
    path("admin/users/<int:pk>/link/", people.send_link, name="send-link"),
    path("admin/users/<int:pk>/deactivate/", people.deactivate, name="deactivate-user"),
    path("admin/users/<int:pk>/reactivate/", people.reactivate, name="reactivate-user"),
    path("admin/users/<int:pk>/forget/", people.forget_failures, name="forget-failures"),
    path("admin/roles/", people.roles, name="roles"),
    path("set-password/<str:uidb64>/<str:token>/", SetPassword.as_view(), name="set-password"),
]
