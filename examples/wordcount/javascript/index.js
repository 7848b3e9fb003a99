// Counts the words and characters of a text, for a hundredth of a credit per 1,000 characters.

/** What every 1,000 characters cost that have begun, in millionths of a credit. */
const PRICE_MICROCREDITS = 10_000;
/** What is paid for at a time. */
const CHARACTERS = 1_000;

/** The host calls what the contract, wit/service.wit, says of `interface service`. */
export const service = {
  // What a call costs is known before it is paid for: the text is there.
  quote(request) {
    const thousands = Math.max(1, Math.ceil(characters(textOf(request)) / CHARACTERS));
    return {
      credits: thousands * PRICE_MICROCREDITS,
      description: `Words counted, ${thousands} × 1,000 characters`,
    };
  },

  // It runs once the credits are held, in an instance of its own.
  handle(request) {
    const text = textOf(request);
    return JSON.stringify({ words: words(text), characters: characters(text) });
  },
};

/** The parameter of the route `count`. */
function textOf({ route, params }) {
  if (route !== "count") {
    userError(`There is no route \`${route}\` in this service; it has: count`);
  }
  const { text } = JSON.parse(params);
  if (text === undefined) {
    userError("params: missing field `text`");
  }
  if (typeof text !== "string") {
    userError("params.text: it must be a string");
  }
  return text;
}

function words(text) {
  return text.split(/[ \t\n\f\r]+/).filter((word) => word !== "").length;
}

/** Of Unicode: `length` would count those beyond the first plane twice. */
function characters(text) {
  return [...text].length;
}

/** The client can mend it, is told so, and pays nothing. Anything else that is thrown traps. */
function userError(message) {
  throw { tag: "user-error", val: message };
}
