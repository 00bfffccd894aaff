"""Sentences of our own in ten scripts, with their words as a reader sees them.

Between bars stand the words and marks. Where a script writes no spaces (Chinese, Japanese, Thai)
the pieces are the tokenizer's, but no character may be cut.
"""

import unicodedata


def _apart(text):
    """Letters and accents, syllables and their parts, each a character of its own."""
    return unicodedata.normalize("NFD", text)


WORDS_OF = {
    # Latin
    "The café’s well-known crème brûlée isn’t “naïve”, it’s superb.": (
        "The|café’s|well|-|known|crème|brûlée|isn’t|“|naïve|”|,|it’s|superb|."
    ),
    _apart("Le café de l’été a été rénové, déjà."): _apart(
        "Le|café|de|l’été|a|été|rénové|,|déjà|."
    ),
    "Der Film kostet 1.234,50 € – 3-mal so viel wie 2019!": (
        "Der|Film|kostet|1.234,50|€|–|3|-|mal|so|viel|wie|2019|!"
    ),
    "Diyarbakır’da İyi bir film: 8.5/10": "Diyarbakır’da|İyi|bir|film|:|8.5|/|10",
    "The ﬁlm’s ﬁnal eﬀect: Ｆｕｌｌ　ｗｉｄｔｈ １２３": (
        "The|ﬁlm’s|ﬁnal|eﬀect|:|Ｆｕｌｌ|ｗｉｄｔｈ|１２３"
    ),
    "Col·lecció nova: x_1 = 3,5 và phở rất ngon.": (
        "Col·lecció|nova|:|x_1|=|3,5|và|phở|rất|ngon|."
    ),
    # Cyrillic
    "Фильм скучный, но актёры — просто блеск!": ("Фильм|скучный|,|но|актёры|—|просто|блеск|!"),
    "М’ята й п’ять об’єктів коштують 1 000 грн.": ("М’ята|й|п’ять|об’єктів|коштують|1|000|грн|."),
    _apart("Ёлка и йод: всё по-русски."): _apart("Ёлка|и|йод|:|всё|по|-|русски|."),
    # Greek
    "Η ταινία είναι βαρετή· όμως οι ηθοποιοί λάμπουν.": (
        "Η|ταινία|είναι|βαρετή|·|όμως|οι|ηθοποιοί|λάμπουν|."
    ),
    "Τι ώρα είναι; Ἐν ἀρχῇ ἦν ὁ λόγος.": "Τι|ώρα|είναι|;|Ἐν|ἀρχῇ|ἦν|ὁ|λόγος|.",
    # Arabic, with vowel signs, a stretched word, ligatures, and Persian's joiner
    "الفيلم رائعٌ جدًّا، لكنّ القصّة ضعيفة.": "الفيلم|رائعٌ|جدًّا|،|لكنّ|القصّة|ضعيفة|.",
    "جميـــل! ﷲ أكبر، محمد ﷺ.": "جميـــل|!|ﷲ|أكبر|،|محمد|ﷺ|.",
    "می‌خواهم این فیلم را ببینم؛ ۱۲٫۵ هزار تومان.": (
        "می‌خواهم|این|فیلم|را|ببینم|؛|۱۲٫۵|هزار|تومان|."
    ),
    # Hebrew, with points, and with marks inside a word
    "הַסֶּרֶט מְשַׁעֲמֵם, אֲבָל הַשַּׂחְקָנִים נֶהְדָּרִים.": ("הַסֶּרֶט|מְשַׁעֲמֵם|,|אֲבָל|הַשַּׂחְקָנִים|נֶהְדָּרִים|."),
    'צה״ל ובית־ספר: ג׳ירפה ומנכ"ל טובים.': 'צה״ל|ובית|־|ספר|:|ג׳ירפה|ומנכ"ל|טובים|.',
    # Ethiopic, with its word space, full stop, comma, semicolon
    "ሰላም፡ለዓለም፡ሁሉ።": "ሰላም|፡|ለዓለም|፡|ሁሉ|።",
    "ፊልሙ በጣም ጥሩ ነው፣ ግን ረጅም ነው።": "ፊልሙ|በጣም|ጥሩ|ነው|፣|ግን|ረጅም|ነው|።",
    "ምግቡ አልጣፈጠኝም፤ ዋጋው 1,250.50 ብር ነበር፡፡": "ምግቡ|አልጣፈጠኝም|፤|ዋጋው|1,250.50|ብር|ነበር|፡|፡",
    # Devanagari
    "फ़िल्म बहुत अच्छी है, लेकिन लंबी भी है।": "फ़िल्म|बहुत|अच्छी|है|,|लेकिन|लंबी|भी|है|।",
    "क्या यह ₹१,२३४.५० का है? हाँ।": "क्या|यह|₹|१,२३४.५०|का|है|?|हाँ|।",
    "सिनेमा की शक्‍ति अद्भुत है!": "सिनेमा|की|शक्‍ति|अद्भुत|है|!",
    # Chinese and Japanese
    "我喜欢这部电影，演员很出色！": "我|喜欢|这部|电影|，|演员|很|出色|！",
    "2024年3月5日，iPhone的价格是￥6,999。": ("2024|年|3|月|5|日|，|iPhone|的|价格|是|￥|6,999|。"),
    "この映画は素晴らしいです。ﾊﾝｶｸﾃﾞｽ！": "この|映画|は|素晴らしい|です|。|ﾊﾝｶｸ|ﾃﾞｽ|！",
    "人々は「ラーメン」を食べた。": "人々|は|「|ラーメン|」|を|食べた|。",
    # Thai
    "หนังเรื่องนี้ดีมาก แต่ยาวไปหน่อย": "หนัง|เรื่อง|นี้|ดี|มาก|แต่|ยาว|ไป|หน่อย",
    "น้ำราคา ๑,๒๕๐ บาท ถูกกว่าปี 2563": "น้ำ|ราคา|๑,๒๕๐|บาท|ถูก|กว่า|ปี|2563",
    # Korean, in syllables and in their parts
    "이 영화는 정말 재미있어요! 배우들도 훌륭해요.": (
        "이|영화는|정말|재미있어요|!|배우들도|훌륭해요|."
    ),
    _apart("한국어 영화 3편을 봤어요."): _apart("한국어|영화|3편을|봤어요|."),
    # Emoji: families, shades of skin, flags, keys; and several scripts in one
    "Great film 👩‍👩‍👧‍👦👍🏽 10/10 🇪🇹🇫🇷 1️⃣ ❤️!": ("Great|film|👩‍👩‍👧‍👦|👍🏽|10|/|10|🇪🇹|🇫🇷|1️⃣|❤️|!"),
    "I ❤️ Addis Abeba አዲስ አበባ, 東京 & الرياض!": ("I|❤️|Addis|Abeba|አዲስ|አበባ|,|東京|&|الرياض|!"),
}
"""Each text, and its words."""
