# WorkerNet Desk in English. ru.ftl has the same keys; a test keeps it so.

## Everywhere
close = Close
cancel = Cancel
save = Save
edit = Edit
copy = Copy
copied = Copied
back = Back
none = none
nobody = nobody
anyone = Anyone
me = Me
now-button = Now
undo = Undo
undo-nothing = There is nothing to undo
undo-done = Undone: { $what }
stopped = The window has stopped because of an error. Everything that was saved is still there, drafts included.
stopped-reload = Load it again
found-nothing = Nothing found
not-here = This device does not have it. It may have been deleted, or you may not see it.
draft-not-saved = What you are typing cannot be saved.
draft-discard = Discard
edited-many = { $what } ({ $n ->
    [one] { $n } ticket
   *[other] { $n } tickets
})
markdown-hint = Markdown
unfold = Show all of it
moment-hint = 21 Nov 2026, 14:05
moment-none = not set
moment-bad = Write the time like 21 Nov 2026, 14:05, or 14:05 for today.
preview = Preview
write = Write

## Pages and navigation
navigation = Navigation
nav-fold = Fold the navigation
nav-fold-hint = Fold the navigation ([)
tickets = Tickets
knowledge = Knowledge
incidents = Incidents
alerts = Alerts
rejected = Refused edits
sync = Sync
settings = Settings
view-mine = Mine
view-unassigned = Unassigned
view-active = Active
view-breached = SLA breached
view-all = All tickets

## Sign-in
sign-in = Sign in
sign-in-busy = Signing in…
join = Join a server
join-explain = This workspace lives on this device alone. Sign in to a server and its tickets, articles and incidents are sent there.
sign-out = Sign out
sign-out-waiting = { $n ->
    [one] { $n } edit has not been sent yet. It would be lost.
   *[other] { $n } edits have not been sent yet. They would be lost.
}
sign-out-discard = Sign out and lose them
server = Server
server-none = none: this workspace is on this device alone
workspace = Workspace
email = E-mail
password = Password

## Settings
settings-language = Language
settings-theme = Theme
settings-account = Account
settings-name = Name
settings-role = Role
theme-system = As the system
theme-light = Light
theme-dark = Dark
role-requester = requester
role-agent = agent
role-manager = manager
role-admin = administrator

## Status line
status-line = Status
status-palette = all commands
status-help = all keys
sync-local = on this device alone
sync-idle = synced
sync-idle-at = synced at { $at }
sync-busy = syncing…
sync-offline = offline
sync-offline-since = offline since { $at }
sync-stopped = sync has stopped
sync-waiting = { $n ->
    [one] { $n } edit waits to be sent
   *[other] { $n } edits wait to be sent
}
sync-last = last synced { $at }
sync-rejected = { $n ->
    [one] { $n } edit refused
   *[other] { $n } edits refused
}
next-due = { $number }, { $metric }: { $left }
next-due-none = no clock runs

## Time
ago-now = now
ago-minutes = { $n } min
ago-hours = { $n } h
ago-days = { $n } d
duration-s = { $n } s
duration-m = { $m } min
duration-h = { $h } h
duration-h-m = { $h } h { $m } min
duration-d = { $d } d
duration-d-h = { $d } d { $h } h
duration-days-clock = { $days } d { $clock }
month-1 = Jan
month-2 = Feb
month-3 = Mar
month-4 = Apr
month-5 = May
month-6 = Jun
month-7 = Jul
month-8 = Aug
month-9 = Sep
month-10 = Oct
month-11 = Nov
month-12 = Dec

## Ticket list
tickets-count = { $n ->
    [one] { $n } ticket
   *[other] { $n } tickets
}
tickets-none = No tickets here.
tickets-none-found = No ticket fits these filters.
filters = Filters
filters-clear = Clear filters
filter-status = Status
filter-priority = Priority
filter-assignee = Assignee
filter-team = Team
filter-tag = Tag
filter-category = Category
any-team = Any team
any-tag = Any tag
any-category = Any category
sort = Order
sort-updated = Latest change
sort-created = Newest
sort-priority = Priority
sort-due = Due soonest
search-tickets = Search tickets
select-ticket = Select { $number }
selected-count = { $n } selected
selection-clear = Clear selection
mark-conflict = Two people changed the same field
mark-unsent = Not sent yet
due-hover = { $metric }: { $at }
due-late = { $time } late
pick-status = Status…
pick-priority = Priority…
pick-assignee = Assignee…
pick-tags = Tags…
new-tag = New tag

## Words
status-open = Open
status-in_progress = In progress
status-pending = Pending
status-resolved = Resolved
status-closed = Closed
status-cancelled = Cancelled
priority-low = Low
priority-medium = Medium
priority-high = High
priority-urgent = Urgent
priority-critical = Critical
side-requester = requester
side-staff = staff
metric-first_response = First response
metric-next_response = Next response
metric-resolution = Resolution
clock-idle = no target
clock-running = running
clock-paused = paused
clock-met = met
clock-breached = breached
kind-ticket = Ticket
kind-article = Article
kind-incident = Incident
kind-workspace = Workspace
kind-personal = Personal settings
field-title = Title
field-description = Description
field-status = Status
field-priority = Priority
field-category = Category
field-assignee = Assignee
field-team = Team
field-requester = Requester
field-tags = Tags
field-deleted = Deleted

## Ticket
new-ticket = New ticket
new-ticket-hint = New ticket (C)
new-ticket-create = Create ticket
ticket-details = Details
ticket-number-shared = Another ticket has the same number.
ticket-read-only = This ticket was written by a newer version. It is shown, not edited.
ticket-deleted = This ticket is deleted.
ticket-delete = Delete ticket
ticket-restore = Restore
ticket-created = Created
ticket-updated = Changed
ticket-source = From
ticket-unsent = not sent yet
assign-me = To me
edit-title = Edit the title
edit-description = Edit the description
description-none = No description.
description-add = Add a description
tag-add = Add a tag
tag-remove = Take off { $tag }
requester-none = unknown
conversation = Conversation
comment-internal = Internal note
comment-deleted = withdrawn
comment-withdraw = Withdraw
reply = Reply
note = Note
composer = Answer
reply-placeholder = Reply to the requester…
note-placeholder = Note for colleagues; the requester never sees it…
send-reply = Send reply
send-note = Save note
sent-reply = Reply sent
sent-note = Note saved
send-hint = Ctrl+Enter
history-show = History ({ $n })
history-created = created the ticket: { $status }, { $priority }
history-change = { $field }: { $from } → { $to }
history-description = changed the description
history-tag-on = put on the tag { $tag }
history-tag-off = took off the tag { $tag }
history-reply = replied
history-note = wrote a note
history-request = wrote
history-comment-deleted = withdrew a message
history-deleted = deleted the ticket
history-restored = restored the ticket
conflict-title = Two people changed “{ $field }” at the same time
conflict-kept = kept
conflict-by = { $by }, { $at }
conflict-pick = Take this one
conflict-settled = Keep this one
clocks = SLA
clocks-none = No SLA policy holds for this ticket.
clock-left = { $time } left
clock-late = { $time } late
clock-due = due { $at }
clock-paused-left = paused, { $time } left
clock-paused-late = paused, { $time } late
clock-met-after = met after { $time }
clock-missed-after = missed: { $time } of { $target }
clock-waiting = nothing to answer
explain = Why?
explain-title = Why these times
explain-policy = Policy
explain-target = Target { $time }
explain-target-none = no target
explain-elapsed = Elapsed { $time }
explain-from = from { $at }
explain-projected = ahead
segment-running = counts
segment-closed_hours = outside business hours
segment-holiday = holiday
segment-paused = paused
segment-done = work is over
op-create-ticket = New ticket: { $title }
op-description = Description changed
op-tag-on = Tag on: { $tag }
op-tag-off = Tag off: { $tag }
op-comment = Message: { $text }
op-comment-deleted = Message withdrawn
op-deleted = Deleted
op-restored = Restored

## Knowledge
new-article = New article
new-article-create = Create draft
articles-none = No articles yet.
article-search = Search articles
article-status-draft = Draft
article-status-published = Published
article-status-archived = Archived
article-publish = Publish
article-archive = Archive
article-to-draft = Back to draft
article-body = Text
article-read-only = This article was written by a newer version. It is shown, not edited.
article-empty = This article is empty.
article-by = { $author }, changed { $at }
op-article-create = New article: { $title }
op-article-body = Text changed

## Incidents
new-incident = Declare incident
new-incident-create = Declare
incidents-none = No incidents. Good.
incident-running = Running
incident-over = Over
incident-summary = What is known
incident-severity = Severity
incident-services = Affected services
incident-services-hint = separated by commas
incident-impact = Users feel it since
incident-roles = Roles
incident-milestones = Milestones
incident-tickets = Linked tickets
incident-link = Ticket number
incident-link-add = Link
incident-link-none = No ticket has that number here.
incident-unlink = Unlink { $number }
incident-timeline = Timeline
incident-note = Note for the timeline
incident-note-add = Add note
incident-postmortem = Post-mortem
incident-postmortem-none = Nothing written yet.
incident-escalates = escalates in { $left }
incident-escalated = escalated { $at }
incident-acknowledge = Acknowledge
incident-read-only = This incident was written by a newer version. It is shown, not edited.
incident-declared = declared it as { $severity }
incident-service-on = affected: { $name }
incident-service-off = no longer affected: { $name }
incident-linked = linked a ticket
incident-unlinked = unlinked a ticket
incident-deleted = deleted the incident
incident-restored = restored the incident
op-incident-create = New incident: { $title }
op-incident-note = Note: { $text }
severity-P1 = Everybody is hit
severity-P2 = A major function is down
severity-P3 = A part is degraded
severity-P4 = Hardly noticed
incident-status-open = Open
incident-status-investigating = Investigating
incident-status-identified = Identified
incident-status-monitoring = Monitoring
incident-status-resolved = Resolved
incident-status-closed = Closed
incident-role-commander = Commander
incident-role-communications = Communications
incident-role-scribe = Scribe
incident-field-title = Title
incident-field-summary = Summary
incident-field-severity = Severity
incident-field-status = Status
milestone-impact = Impact
milestone-detected = Detected
milestone-acknowledged = Acknowledged
milestone-mitigated = Mitigated
milestone-resolved = Resolved

## Alerts
alerts-open = Open
alerts-acknowledged = Acknowledged
alerts-none = Nothing needs you.
alerts-acknowledge = Acknowledge
alerts-acknowledge-all = Acknowledge all
alert-due = due { $at }
alert-first_response_warning = First response: { $percent } % used up
alert-first_response_breach = First response breached
alert-next_response_warning = Next response: { $percent } % used up
alert-next_response_breach = Next response breached
alert-resolution_warning = Resolution: { $percent } % used up
alert-resolution_breach = Resolution breached
alert-incident_declared = Incident declared
alert-incident_escalation = Incident escalated

## Sync
sync-page = How sync stands
sync-state = State
sync-waiting-label = Waiting to be sent
sync-synced-label = Last synced
sync-offline-label = Offline since
sync-rejected-label = Refused edits
sync-problem-label = Problem
sync-never = never
sync-now = Sync now
sync-explain = Everything you do is saved on this device at once. It is sent by itself as soon as the server can be reached.

## Refused edits
rejected-none = No edit was refused.
rejected-explain = The server refused these edits. Nothing you typed is lost: copy it, make the edit anew, or discard it.
rejected-why = Why
rejected-what = What
rejected-when = { $edited }, refused { $rejected }
rejected-discard = Discard
refused-forbidden = your role does not allow it
refused-workflow = the workflow has no such move
refused-too_large = the text is too long
refused-clock = this device's clock is ahead
refused-schema = it writes something that the workspace does not know; update the program
refused-depends_on_rejected = it builds on an edit that was refused
refused-missing_dependency = it builds on an edit that the server does not have
refused-wrong_document = the document is not yours to edit
refused-wrong_actor = it was made on another device
refused-duplicate_seq = the store of this device was copied or restored
refused-corrupt = it was damaged on the way

## Palette and keys
palette = Search or run a command
palette-theme = Theme: { $theme }
palette-language = Language: { $language }
help = Keys
help-explain = Keys act by their place on the keyboard, whatever layout is on.
help-palette = Search and commands
help-search = Search this list
help-down = Next
help-up = Previous
help-jump = Jump in the list
help-open = Open
help-back = Back, close, leave a field
help-select = Select
help-new = New
help-reply = Reply
help-note = Internal note
help-send = Send or save
help-status = Status
help-priority = Priority
help-assign = Assignee
help-tags = Tags
help-edit = Edit the text
help-other = Take the other value of a conflict
help-undo = Undo
help-go-tickets = To the tickets
help-go-knowledge = To knowledge
help-go-incidents = To the incidents
help-go-alerts = To the alerts
help-fold = Fold the navigation
help-tab = To the next control
help-space = Press the button
help-help = This list

## Errors
error-bad_request = The program sent something that is not understood.
error-invalid = That value is not allowed.
error-too_large = The text is too long.
error-not_found = It does not exist.
error-already_exists = It exists already.
error-signed_out = Nobody is signed in on this device.
error-wrong_credentials = E-mail, password or workspace is wrong.
error-session_expired = The session has ended. Sign in again.
error-forbidden = Your role or the workflow does not allow that.
error-device_revoked = An administrator has revoked this device. What was kept on it was erased; sign in to use it as a new one.
error-access_ended = Your access to this workspace has ended. What was kept of it on this device was erased.
error-rate_limited = Too many attempts. Wait a minute.
error-offline = The server cannot be reached. Check the address and the network.
error-bad_server = What answers at that address is no WorkerNet server.
error-upgrade_required = The server is newer than this program. Update it.
error-read_only_store = The data on this device was written by a newer version: it can be read, not changed. Update the program.
error-damaged_store = The data on this device is damaged. Run “desk doctor --repair”.
error-wrong_key = The key to the data on this device is missing or wrong.
error-store_busy = Another running copy uses the data on this device.
error-disk_full = The disk is full. Nothing was saved.
error-newer_schema = A newer version wrote this: it is shown, not edited. Update the program.
error-bad_file = The file is not of that format.
error-cancelled = Cancelled.
error-internal = Something went wrong. The log says more.
