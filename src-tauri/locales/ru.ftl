open = Открыть
first-response-warning = Срок первого ответа подходит к концу
first-response-breach = SLA нарушен: первый ответ просрочен
next-response-warning = Срок следующего ответа подходит к концу
next-response-breach = SLA нарушен: следующий ответ просрочен
resolution-warning = Срок решения подходит к концу
resolution-breach = SLA нарушен: срок решения истёк
incident-declared = Объявлен инцидент
incident-escalation = Эскалация: инцидент никто не принял
many-summary = Требуют внимания: { $subjects ->
    [one] { $subjects } заявка или инцидент
    [few] { $subjects } заявки и инцидента
   *[other] { $subjects } заявок и инцидентов
}
many-body = Нарушений и эскалаций: { $urgent }
