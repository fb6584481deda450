"""Money, measures, fractions, powers and other numbers with something behind them."""

from __future__ import annotations

import re

from idfacevc.text.rules.numbers import cardinal, fraction_words, number_words
from idfacevc.text.rules.rule import NUMBER, any_of, rule

_CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "sen", "sen"),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "₩": ("won", "won", "jeon", "jeon"),
    "₽": ("rouble", "roubles", "kopek", "kopeks"),
    "₺": ("lira", "lira", "kurus", "kurus"),
    "₪": ("shekel", "shekels", "agora", "agorot"),
    "₫": ("dong", "dong", "xu", "xu"),
    "₴": ("hryvnia", "hryvnias", "kopiyka", "kopiykas"),
    "₱": ("peso", "pesos", "centavo", "centavos"),
    "₦": ("naira", "naira", "kobo", "kobo"),
    "฿": ("baht", "baht", "satang", "satang"),
    "₿": ("bitcoin", "bitcoins", "satoshi", "satoshis"),
}
_CODES = {
    "USD": ("US dollar", "$"), "EUR": ("euro", "€"), "GBP": ("pound", "£"), "JPY": ("yen", "¥"), "CNY": ("yuan", ""),
    "RMB": ("yuan", ""), "CHF": ("Swiss franc", "CHF"), "CAD": ("Canadian dollar", "$"),
    "AUD": ("Australian dollar", "$"), "NZD": ("New Zealand dollar", "$"), "HKD": ("Hong Kong dollar", "$"),
    "SGD": ("Singapore dollar", "$"), "INR": ("rupee", "₹"), "KRW": ("won", "₩"), "RUB": ("rouble", "₽"),
    "MXN": ("Mexican peso", "₱"), "SEK": ("Swedish krona", ""), "NOK": ("Norwegian krone", ""),
    "DKK": ("Danish krone", ""), "PLN": ("zloty", ""), "CZK": ("Czech koruna", ""), "TRY": ("lira", "₺"),
    "ZAR": ("rand", ""), "ILS": ("shekel", "₪"), "THB": ("baht", "฿"), "AED": ("dirham", ""), "BTC": ("bitcoin", ""),
    "BRL": ("Brazilian real", ""), "HUF": ("forint", ""), "TWD": ("Taiwan dollar", "$"),
}  # fmt: skip
CODE = any_of(_CODES)
_SAME_PLURAL = ("yen", "yuan", "won", "krona", "krone", "zloty", "koruna", "lira", "rand", "baht", "forint")
_COUNTRIES = {
    "US": "USD", "C": "CAD", "CA": "CAD", "CAN": "CAD", "A": "AUD", "AU": "AUD", "NZ": "NZD", "HK": "HKD", "S": "SGD",
    "NT": "TWD", "CAD": "CAD", "AUD": "AUD", "USD": "USD", "NZD": "NZD",
}  # fmt: skip
_SCALES = {
    "k": "thousand", "m": "million", "mn": "million", "mio": "million", "b": "billion", "bn": "billion",
    "t": "trillion", "tn": "trillion",
}  # fmt: skip
_SCALE_WORDS = "hundred|thousand|million|billion|trillion|lakh|crore"
SCALE = rf"(?:{_SCALE_WORDS}|bn|mn|mio|tn|[kKmMbBtT])"
MONEY_SIGN = f"[{''.join(_CURRENCIES)}]"
_CHARGED = (
    "day", "week", "month", "year", "person", "night", "hour", "minute", "mile", "unit", "item", "head", "mo", "yr",
    "hr", "h", "wk", "kg", "lb", "oz", "kWh", "GB", "km", "g", "l", "L", "sq ft", "gal", "gallon", "litre",
)  # fmt: skip
_MONEY_SCALE = rf"(?:\s?({_SCALE_WORDS}|[bmt]n|Bn|BN|mio|M|B|T|K)\b|([kmbt])\b)?"

_PREFIXES = {"k": "kilo", "M": "mega", "G": "giga", "T": "tera", "P": "peta", "h": "hecto", "d": "deci", "c": "centi",
             "m": "milli", "µ": "micro", "μ": "micro", "u": "micro", "n": "nano", "p": "pico", "K": "kilo"}  # fmt: skip
_BASES = {"m": "metre", "g": "gram", "l": "litre", "L": "litre", "s": "second", "Hz": "hertz", "W": "watt", "V": "volt",
          "A": "amp", "J": "joule", "Pa": "pascal", "N": "newton", "eV": "electronvolt", "Wh": "watt-hour",
          "Ah": "amp-hour", "B": "byte", "bps": "bit per second", "b": "bit", "cal": "calorie", "Ω": "ohm",
          "mol": "mole", "F": "farad"}  # fmt: skip
_PREFIXED = """km cm mm dm µm μm nm pm kg mg µg μg ug ng ml mL cl cL dl dL hl µl µL ms µs μs ns kHz MHz GHz THz kW MW GW
TW mW kV MV mV mA µA kJ MJ GJ kPa hPa MPa kN MN keV MeV GeV TeV kWh MWh GWh TWh mAh kB KB MB GB TB PB kbps Kbps Mbps
Gbps Mb Gb kb kcal kΩ MΩ mmol µmol nF pF µF""".split()
_UNITS = {
    "%": ("percent", "percent"), "‰": ("per thousand", "per thousand"), "°C": ("degree Celsius", "degrees Celsius"),
    "°F": ("degree Fahrenheit", "degrees Fahrenheit"), "°": ("degree", "degrees"), "K": ("kelvin", "kelvin"),
    "mph": ("mile per hour", "miles per hour"), "kph": ("kilometre per hour", "kilometres per hour"),
    "m": ("metre", "metres"), "ft": ("foot", "feet"), "mi": ("mile", "miles"), "yd": ("yard", "yards"),
    "g": ("gram", "grams"), "lbs": ("pound", "pounds"), "lb": ("pound", "pounds"), "oz": ("ounce", "ounces"),
    "fl oz": ("fluid ounce", "fluid ounces"), "gal": ("gallon", "gallons"), "pt": ("pint", "pints"),
    "tbsp": ("tablespoon", "tablespoons"), "tsp": ("teaspoon", "teaspoons"), "l": ("litre", "litres"),
    "L": ("litre", "litres"), "s": ("second", "seconds"), "sec": ("second", "seconds"), "secs": ("second", "seconds"),
    "min": ("minute", "minutes"), "mins": ("minute", "minutes"), "h": ("hour", "hours"), "hr": ("hour", "hours"),
    "hrs": ("hour", "hours"), "yr": ("year", "years"), "yrs": ("year", "years"), "wk": ("week", "weeks"),
    "wks": ("week", "weeks"), "mo": ("month", "months"), "mos": ("month", "months"), "Hz": ("hertz", "hertz"),
    "dB": ("decibel", "decibels"), "W": ("watt", "watts"), "V": ("volt", "volts"), "Ω": ("ohm", "ohms"),
    "ohm": ("ohm", "ohms"), "Pa": ("pascal", "pascals"), "psi": ("P S I", "P S I"), "ha": ("hectare", "hectares"),
    "px": ("pixel", "pixels"), "fps": ("frame per second", "frames per second"), "rpm": ("R P M", "R P M"),
    "mmHg": ("millimetre of mercury", "millimetres of mercury"),
    "bpm": ("beat per minute", "beats per minute"), "ppm": ("part per million", "parts per million"),
    "dpi": ("D P I", "D P I"), "cc": ("cubic centimetre", "cubic centimetres"), "mol": ("mole", "moles"),
    "cal": ("calorie", "calories"), "in.": ("inch", "inches"), '"': ("inch", "inches"), "″": ("inch", "inches"),
    "Å": ("angstrom", "angstroms"),
    "kmh": ("kilometre per hour", "kilometres per hour"), "B": ("byte", "bytes"), "J": ("joule", "joules"),
}  # fmt: skip
for _unit in _PREFIXED:
    _name = _PREFIXES[_unit[0]] + _BASES[_unit[1:]]
    _one, _, _rest = _name.partition(" ")
    _UNITS[_unit] = (_name, _name if _name.endswith("hertz") else f"{_one}s {_rest}".strip())

# After these a space is needed, since "5B" and "5K" are as often names.
_SPACED = ("K", "B", "J")
UNIT = any_of(unit for unit in _UNITS if unit not in _SPACED)
_PER = {"day": "day", "d": "day", "week": "week", "month": "month", "year": "year", "a": "year", "person": "person",
        "night": "night", "hour": "hour", "minute": "minute", "second": "second", "mile": "mile", "unit": "unit",
        "capita": "capita", "head": "head", "item": "item", "litre": "litre", "gallon": "gallon"}  # fmt: skip
_DENOMINATOR = any_of({*_UNITS, *_PER} - {"%", "°", '"', "″"})
_COUNTED = (
    "people|users|views|followers|customers|copies|downloads|jobs|homes|visitors|subscribers|readers|viewers|times"
)
_LENGTHS = r"(?:km|cm|mm|m|ft|mi|in|yd)"
_POWERS = {"2": "square", "3": "cubic"}
_ENTRIES = {"in": ("inch", "inches")} | _UNITS

_MONEY_PER = rf"(?:\s?/\s?({any_of(_CHARGED)})\b)?"
AMOUNT = rf"(?:(?:{NUMBER})\s)?\d{{1,4}}/\d{{1,4}}(?![\d/])|{NUMBER}"


def amount_words(text: str) -> str:
    """ "2 1/2" → "two and a half", "1,000" → "one thousand"."""
    return fraction_words(text) if "/" in text else number_words(text)


def _is_one(amount: str) -> bool:
    if re.fullmatch(r"\d+/\d+", amount):
        above, below = amount.split("/")
        return int(above) < int(below)
    return amount == "1"


def _plural_money(name: str) -> str:
    return name if name.split()[-1] in _SAME_PLURAL else "Brazilian reais" if name.endswith("real") else name + "s"


def _money_words(amount: str, scale: str, sign: str, code: str) -> str:
    if code:
        name, sign = _CODES[code]
        one, many = name, _plural_money(name)
        _, _, cent, cents = _CURRENCIES.get(sign, ("", "", "cent", "cents"))
    else:
        one, many, cent, cents = _CURRENCIES[sign]
    scale = _SCALES.get(scale.lower(), scale)
    whole, _, fraction = amount.replace(",", "").partition(".")
    if scale or "/" in amount or len(fraction) not in (0, 2):
        return f"{amount_words(amount)} {scale + ' ' if scale else ''}{many}"
    is_small = not whole.strip("0") and bool(fraction.strip("0"))
    parts = [] if is_small else [f"{number_words(whole)} {one if whole == '1' else many}"]
    if fraction.strip("0"):
        parts.append(f"{cardinal(int(fraction))} {cent if fraction == '01' else cents}")
    return " and ".join(parts)


def _money(match: re.Match[str]) -> str:
    country, sign, amount, scale, letter, code, unit = match.groups()
    code = code or _COUNTRIES.get(country or "", "")
    return _money_words(amount, scale or letter or "", sign, code) + _per(unit)


def _code_first(match: re.Match[str]) -> str:
    code, amount, scale, letter, unit = match.groups()
    return _money_words(amount, scale or letter or "", "", code) + _per(unit)


def _code_last(match: re.Match[str]) -> str:
    amount, scale, letter, code, unit = match.groups()
    return _money_words(amount, scale or letter or "", "", code) + _per(unit)


def _sign_last(match: re.Match[str]) -> str:
    amount, scale, letter, sign, unit = match.groups()
    return _money_words(amount, scale or letter or "", sign, "") + _per(unit)


def _per(unit: str | None, power: str | None = None) -> str:
    if not unit:
        return ""
    name = _PER.get(unit) or (f"square {_ENTRIES[unit[3:]][0]}" if unit.startswith("sq ") else _ENTRIES[unit][0])
    if power and name.endswith("second"):
        return f" per {name} {'squared' if power == '2' else 'cubed'}"
    return f" per {_POWERS[power] + ' ' if power else ''}{name}"


def _quantity(match: re.Match[str]) -> str:
    amount, hyphen, shape, unit, power, below, below_power = match.groups()
    if unit in _SPACED and match[0][len(amount)] != " ":
        return match[0]
    name = _ENTRIES[unit][0 if _is_one(amount) or hyphen == "-" else 1]
    shape = _POWERS[power] + " " if power else {"sq": "square ", "cu": "cubic "}[shape[:2]] if shape else ""
    behind = match.string[match.end() :]
    stop = "." if match[0].endswith(".") and re.match(r"\s*$|\s+[A-Z]", behind) else ""
    return f"{amount_words(amount)} {shape}{name}{_per(below, below_power)}{stop}"


def _unit_alone(match: re.Match[str]) -> str:
    unit, power, below, below_power = match.groups()
    is_one = bool(re.search(r"\b(?:per|a|an|each|every)\s$", match.string[: match.start()]))
    name = f"{_POWERS[power] + ' ' if power else ''}{_ENTRIES[unit][not is_one]}"
    return name + _per(below, below_power)


def _coordinates(match: re.Match[str]) -> str:
    words = []
    for amount, name in zip(match.groups()[:3], ("degree", "minute", "second"), strict=True):
        if amount:
            words.append(f"{number_words(amount)} {name if amount == '1' else name + 's'}")
    side = {"N": "north", "S": "south", "E": "east", "W": "west"}.get(match[4] or "", "")
    return " ".join([*words, side]).strip()


def _height(match: re.Match[str]) -> str:
    feet = f"{number_words(match[1])} {'foot' if match[1] == '1' else 'feet'}"
    return feet + (f" {number_words(match[2])} {'inch' if match[2] == '1' else 'inches'}" if match[2] else "")


def _power(match: re.Match[str]) -> str:
    base, power = match[1], match[2]
    said = {"2": "squared", "3": "cubed"}.get(power) if not base.isdigit() or len(base) < 3 else None
    if said and base != "10":
        return f"{base} {said} "
    sign = {"-": "minus ", "+": "plus "}.get(power[0], "")
    digits_only = power.lstrip("+-")
    return f"{base} to the power of {sign}{number_words(digits_only) if digits_only.isdigit() else digits_only} "


def _power_of_unit(match: re.Match[str]) -> str:
    return f"{_power(match)}{_ENTRIES[match[3]][1]}{_per(match[4], match[5])}"


def _scientific(match: re.Match[str]) -> str:
    sign = {"-": "minus ", "+": ""}.get(match[2], "")
    return f"{number_words(match[1])} times ten to the power of {sign}{number_words(match[3])}"


def _fraction(match: re.Match[str]) -> str:
    rated = re.search(r"\b(?:rated?|scor\w+|got|rating|grade|marks?|a|an|solid)\s+(?:it\s+|a\s+|of\s+)*$",
                      match.string[: match.start()])  # fmt: skip
    top = re.fullmatch(r"(\d+)/(5|10|20|100)", match[0])
    if rated and top:
        return f"{number_words(top[1])} out of {number_words(top[2])}"
    return fraction_words(match[0])


RULES = (
    rule(rf"({MONEY_SIGN}|\s)\.(?=\d)", r"\g<1>0."),
    rule(rf"(?<={MONEY_SIGN})\s?\d{{1,3}}(?:\.\d{{3}})+(?=,\d\d\b)", lambda match: match[0].replace(".", "")),
    rule(
        rf"({MONEY_SIGN}\s?\d+),(?=\d\d(?!\d))|(?<!\d)(\d+),(?=\d\d\s?{MONEY_SIGN})",
        lambda match: f"{match[1] or match[2]}.",
    ),
    rule(rf"({MONEY_SIGN})\s?-\s?(?=\d)", r"minus \1"),
    rule(
        rf"(?:\b({any_of(_COUNTRIES)})\s?(?=\$))?({MONEY_SIGN})\s?({AMOUNT}){_MONEY_SCALE}(?:\s({any_of(_CODES)})\b)?{_MONEY_PER}",
        _money,
    ),
    rule(rf"\b({any_of(_CODES)})\s?({AMOUNT}){_MONEY_SCALE}(?!\w){_MONEY_PER}", _code_first),
    rule(rf"(?<![\w.])({AMOUNT}){_MONEY_SCALE}\s?({any_of(_CODES)})\b{_MONEY_PER}", _code_last),
    rule(rf"(?<![\w.])({AMOUNT}){_MONEY_SCALE}\s?({MONEY_SIGN}){_MONEY_PER}", _sign_last),
    rule(rf"({NUMBER})\s?¢", lambda match: f"{number_words(match[1])} {'cent' if match[1] == '1' else 'cents'}"),
    rule(r"\b24/7\b", "twenty-four seven"),
    rule(r"\b9/11\b", "nine eleven"),
    rule(
        r"(?<!\d)(\d+(?:\.\d+)?)\s?°\s?(\d+(?:\.\d+)?)\s?['′]"
        r"(?:\s?(\d+(?:\.\d+)?)\s?(?:''|′′|[\"″]))?\s?([NSEW]\b)?",
        _coordinates,
    ),
    rule(r"(?<!\d)(\d+(?:\.\d+)?)\s?°()()\s?([NSEW])\b", _coordinates),
    rule(r"\b(\d{1,2})\s?['′]\s?(\d{1,2})(?:\s?(?:''|′′|[\"″])|\b)", _height),
    rule(r"\b(\d{1,2})()['′](?=\s|[.,;]|$)(?<=[2-9]['′])", _height),
    rule(r"(?<=\d)\s?[º°]\s?(?=[CF]\b)", "°"),
    rule(rf"(?<!\d)(\d+)\^([+-]?\d+)\s?({UNIT})(?:/({_DENOMINATOR})(?:\^?([23]))?)?(?![\w^])", _power_of_unit),
    rule(r"(?<!\d)(\d+)\^([+-]?\d+)", _power),
    rule(rf"({NUMBER})m(?=\s+(?:{_COUNTED})\b)", lambda match: f"{number_words(match[1])} million"),
    rule(
        rf"(?<![\d/.])({AMOUNT})([\s-]?)(?:(sq\.?|cu\.?)\s)?({any_of(_ENTRIES)})(?<![\s\d-]in)(?:\^?([23]))?"
        rf"(?:\s?/\s?({_DENOMINATOR})(?:\^?([23]))?)?(?![\w^])(?:\.(?=\s+[a-z]|[,;:)]))?",
        _quantity,
    ),
    rule(rf"(?<![\w/^])({_LENGTHS})\^([23])(?:\s?/\s?({_DENOMINATOR})(?:\^([23]))?)?(?!\w)", _unit_alone),
    rule(
        r"(?<![\w/])(km|m|mi|MB|GB|Mb|kg|g|mg|W|L|l)()/(h|s|hr|min|day|km|kg|mL|dL|L|l|cm|m)(?:\^([23]))?(?![\w/])",
        _unit_alone,
    ),
    rule(rf"/({_LENGTHS})\^([23])(?!\w)", lambda match: _per(match[1], match[2])),
    rule(r"\b(\d+(?:\.\d+)?)[eE]([+-]?)(\d{1,3})\b", _scientific),
    rule(
        r"((?<!\d)\d+|(?<![^\W\d_])[^\W\d_]{1,2}|\)|metres|meters|feet|miles|inches)" r"\s?\^\s?([+-]?(?:\d+|[a-z]\b))",
        _power,
    ),
    rule(r"\^(\d+)", r" note \1 "),
    rule(r"\b401\(?k\)?", "four oh one k"),
    rule(r"\b([248])K\b", lambda match: f"{number_words(match[1])} K"),
    rule(
        rf"(?<![\w-])({NUMBER})(k|(?<=\d\d)K|mn|M|bn|tn|(?<=\.\d)B)(?=\+?(?!\w))",
        lambda match: f"{number_words(match[1])} {_SCALES[match[2].lower()]}",
    ),
    rule(rf"(?<![\d/])(?:{NUMBER}\s)?\d+/\d+(?![\d/])", _fraction),
    rule(rf"({NUMBER})([A-Z]?)\s?({_SCALE_WORDS})\b", r"\1\2 \3"),
)
