/**
 * English words that carry grammar and not a subject: articles, pronouns, prepositions, conjunctions, auxiliaries,
 * the commonest adverbs and quantifiers, verbs of saying and being somewhere, forms of address, numerals to ten, and a
 * few adjectives and nouns that go with any subject (`great`, `course`, `part`).
 *
 * Own, because the list of `stopword` 3.1, the best kept on npm, stops short of what prose needs: it has 108 words,
 * without `shall`, `upon` or `us`.
 */
export const STOPWORDS: ReadonlySet<string> = new Set(
  [
    "a an the this that these those such same other another each every either neither both all any some no none several",
    "i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself she her hers",
    "herself it its itself they them their theirs themselves one ones oneself who whom whose which what whoever whatever",
    "whichever somebody someone something anybody anyone anything nobody nothing everybody everyone everything else",
    "thou thee thy thine ye",
    "about above across after against along amid amidst among amongst around as at away before behind below beneath",
    "beside besides between betwixt beyond by concerning despite down during except for from in inside into near of off on",
    "onto out outside over past per since through throughout till to toward towards under underneath until up upon with",
    "within without",
    "and but or nor so yet if unless because although though while whilst whereas whether than then lest",
    "am is are was were be been being have has had having do does did doing done will would shall should can could may",
    "might must ought need dare used cannot let lets",
    "get gets got getting go goes going gone went come comes came coming make makes made making take takes took taken",
    "taking give gives gave given put puts see sees saw seen seeing seem seems seemed seeming look looks looked looking",
    "know knows knew known think thinks thought want wants wanted like likes liked begin began begun keep kept",
    "say says said saying tell tells told talk talks talked speak spoke spoken ask asks asked answer answers answered",
    "cry cried quoth reply replied mean means meant",
    "not never ever always often sometimes once twice again still already soon now here there hence thence where when why",
    "how however indeed perhaps maybe quite rather very too also just only even almost nearly enough much many more most",
    "less least little few lot lots well really certainly surely therefore thus otherwise instead together apart back",
    "forth far ago long whenever wherever whereby wherein anyhow somehow somewhat else yes yea nay ay aye oh ah",
    "sir mr mrs ms miss dr st etc ie eg vol chapter",
    "first second last next own able sure way ways thing things sort kind kinds bit matter case fact",
    "pretty good better best great greater greatest new fine true clear certain particular different possible",
    "hand hands time times course part parts place places side sides end ends call called calling turn turned turning",
    "happen happens happened use understand understood suppose supposed believe hear heard felt feel stood stand sat sit",
    "two three four five six seven eight nine ten",
  ].flatMap((line) => line.split(" ")),
);

/** Adjectives that say something beside a noun (`old Hammond`) and nothing alone. */
export const NEVER_ALONE: ReadonlySet<string> = new Set(
  "beautiful big early empty fair full half happy hard heavy high huge late large light long low nice old pleasant poor quick rich right short slow small soft strong tall whole wide wrong young".split(
    " ",
  ),
);

/** Words in `-ly` that are no adverbs. */
const NOUNS_IN_LY = new Set(
  "ally anomaly apply assembly belly bully family fly italy jelly july lily monopoly rally reply sully supply".split(
    " ",
  ),
);

/** Whether a folded word carries no subject: a stopword, one with an apostrophe's ending (`I'll`, `don't`), or an adverb in `-ly`. */
export function isStopword(word: string): boolean {
  if (STOPWORDS.has(word) || STOPWORDS.has(word.replace(/(?:n't|'(?:s|ll|d|ve|re|m|t))$/u, ""))) return true;
  return word.length > 4 && word.endsWith("ly") && !NOUNS_IN_LY.has(word);
}
