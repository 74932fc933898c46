open = Open
acknowledge = Acknowledge
snooze = Snooze for 30 minutes
first-response-warning = First response is nearly due
first-response-breach = SLA breached: first response is overdue
next-response-warning = Next response is nearly due
next-response-breach = SLA breached: next response is overdue
resolution-warning = Resolution is nearly due
resolution-breach = SLA breached: resolution is overdue
incident-declared = Incident declared
incident-escalation = Escalation: nobody has taken the incident
many-summary = { $subjects ->
    [one] { $subjects } ticket or incident needs attention
   *[other] { $subjects } tickets and incidents need attention
}
quiet-summary = While it was quiet: { $subjects ->
    [one] { $subjects } ticket or incident
   *[other] { $subjects } tickets and incidents
}
digest-summary = Digest: { $subjects ->
    [one] { $subjects } ticket or incident
   *[other] { $subjects } tickets and incidents
}
part-escalations = Escalations: { $count }
part-incidents = New incidents: { $count }
part-breaches = SLA breaches: { $count }
part-warnings = Nearly due: { $count }
tray-open = Open WorkerNet Desk
tray-none = No alerts
tray-alerts = Alerts: { $count }
tray-quit = Quit
