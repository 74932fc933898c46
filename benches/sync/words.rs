//! Text that compresses about as badly as what people write: words drawn from a few thousand forms, the common ones more
//! often, with numbers between them.

use workernet_server::random::SeededRandom;

/// One word in so many is a number: an extension, an inventory tag, an order.
const NUMBERS: u64 = 9;

const RUSSIAN: &str = "принтер заявк монитор сервер сеть пароль доступ почт касс склад отдел счёт документ файл папк \
    програм обновлен ошибк экран клавиатур мыш кабел розетк телефон звонок сотрудник клиент магазин офис этаж кабинет \
    систем служб запрос ответ письм вложен таблиц отчёт печат скан картридж бумаг лоток драйвер модул плат диск памят \
    процессор ноутбук зарядк батаре камер микрофон наушник связ канал скорост адрес домен учётн запис прав групп роль \
    ключ сертификат подпис срок договор поставк товар остатк цен скидк чек терминал карт банк платёж возврат перевод \
    настройк параметр верси лиценз установк удален копи резервн восстановлен журнал событ сбой перерыв нагрузк очеред \
    задан расписан встреч комнат переговорн проектор экскурс пропуск охран турникет датчик температур кондиционер";
const RUSSIAN_ENDINGS: &str = "- а у е ом ы ов ам ами ах ный ная ные ного ной ить ает али";

const ENGLISH: &str = "printer ticket monitor server network password access mail checkout store team account document file \
    folder program update error screen keyboard mouse cable socket phone call colleague client shop office floor room \
    system service request answer letter attach table report print scan toner paper tray driver module board disk memory \
    processor laptop charge batter camera microphone headset link channel speed address domain login record right group \
    role key certificate sign term contract deliver item stock price discount receipt terminal card bank payment return \
    transfer setting option version licence install remove copy backup restore log event crash outage load queue task \
    schedule meeting projector tour badge guard gate sensor temperature cool restart confirm replace order wait check";
const ENGLISH_ENDINGS: &str = "- s ed ing er able ment al less ly";

/// Words of one language.
pub(crate) struct Language {
    stems: Vec<&'static str>,
    endings: Vec<&'static str>,
}

impl Language {
    pub(crate) fn russian() -> Self {
        Self::of(RUSSIAN, RUSSIAN_ENDINGS)
    }

    pub(crate) fn english() -> Self {
        Self::of(ENGLISH, ENGLISH_ENDINGS)
    }

    fn of(stems: &'static str, endings: &'static str) -> Self {
        let ending = |ending: &'static str| if ending == "-" { "" } else { ending };
        Self {
            stems: stems.split_whitespace().collect(),
            endings: endings.split_whitespace().map(ending).collect(),
        }
    }

    /// A text of exactly so many characters.
    pub(crate) fn text(&self, random: &SeededRandom, characters: usize) -> String {
        let mut text = String::new();
        let mut length = 0;
        while length < characters {
            let word = self.word(random);
            length += word.chars().count() + 1;
            text.push_str(&word);
            text.push(' ');
        }
        text.chars().take(characters).collect()
    }

    fn word(&self, random: &SeededRandom) -> String {
        if random.next().is_multiple_of(NUMBERS) {
            return (random.next() % 100_000).to_string();
        }
        format!("{}{}", often_first(random, &self.stems), often_first(random, &self.endings))
    }
}

/// One of a list, the earlier ones more often.
fn often_first(random: &SeededRandom, from: &[&'static str]) -> &'static str {
    let last = from.len().max(1) as u64;
    let (one, other) = (random.next() % last, random.next() % last);
    usize::try_from(one.min(other)).ok().and_then(|index| from.get(index)).copied().unwrap_or_default()
}
