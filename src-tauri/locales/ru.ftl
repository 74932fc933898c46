open = Открыть
acknowledge = Принять
snooze = Отложить на 30 минут
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
quiet-summary = Пока было тихо: { $subjects ->
    [one] { $subjects } заявка или инцидент
    [few] { $subjects } заявки и инцидента
   *[other] { $subjects } заявок и инцидентов
}
digest-summary = Сводка: { $subjects ->
    [one] { $subjects } заявка или инцидент
    [few] { $subjects } заявки и инцидента
   *[other] { $subjects } заявок и инцидентов
}
part-escalations = Эскалации: { $count }
part-incidents = Новые инциденты: { $count }
part-breaches = Нарушения SLA: { $count }
part-warnings = Сроки подходят к концу: { $count }
tray-open = Открыть WorkerNet Desk
tray-none = Оповещений нет
tray-alerts = Оповещения: { $count }
tray-quit = Выйти
