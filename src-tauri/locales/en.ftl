open = Open
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
many-body = Breaches and escalations: { $urgent }
