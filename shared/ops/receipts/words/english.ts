/** Receipts and summaries in English. */
import { ENGLISH_CODES } from './englishCodes.js';
import type { Language } from './language.js';
import { grouped, inUnits } from './numbers.js';

const count = (n: number): string => grouped(n, ',');
const files = (n: number): string => (n === 1 ? '1 file' : `${count(n)} files`);
const size = (bytes: number): string => {
  const exact = bytes === 1 ? '1 byte' : `${count(bytes)} bytes`;
  return bytes < 1000 ? exact : `${inUnits(bytes, ['kB', 'MB', 'GB', 'TB'], '.')} (${exact})`;
};

const REWRITTEN = 'This text is written anew when something changes.';
const WAIT = [`You need not do anything. ${REWRITTEN}`, 'If it stays so for long, ask the operator of the gateway.'];

export const ENGLISH: Language = {
  tag: 'en',
  name: 'English',
  codes: ENGLISH_CODES,
  unknownCode: {
    what: 'A check of the gateway objected to it.',
    todo: 'Ask the operator of the gateway and quote the reference.',
  },
  count,
  size,
  moment: (day, clock) => `${day} at ${clock}`,
  zone: (offset) => `Times are local (${offset}).`,

  title: {
    taken: 'TAKEN',
    sealed: 'CHECKED',
    sending: 'BEING SENT',
    held: 'ON HOLD',
    withdrawn: 'TAKEN BACK',
    waiting: 'WAITING',
    refused: 'REFUSED',
    sent: 'SENT',
    assembling: 'ARRIVING',
    verifying: 'BEING CHECKED',
    released: 'RELEASED',
    quarantined: 'NOT RELEASED',
    incomplete: 'INCOMPLETE',
  },
  file: (name, bytes) => `File: "${name}", ${bytes}.`,
  consignment: (name, objects, bytes) => `Consignment: the folder "${name}", ${files(objects)}, ${bytes}.`,
  handedIn: (moment) => `Handed in on ${moment}.`,
  announced: (moment) => `First seen on this side on ${moment}.`,
  reference: (reference, sequence) =>
    `Reference: ${reference}${sequence === null ? '' : `, number ${sequence}`}. Quote it when you ask.`,
  detail: (text) => `Particulars: ${text}`,
  where: (place) => `Where in the file: "${place}".`,
  why: (what) => `Why: ${what}`,
  which: (path, what) => `Which file: "${path}". ${what}`,
  todo: (what) => `What to do now: ${what}`,

  inWork: {
    taken: ['The gateway has taken a copy. It waits for its turn to be checked, and has not been sent yet.', ...WAIT],
    sealed: [
      'The gateway has taken a copy and checked it. It waits for its turn to be sent, and has not been sent yet.',
      ...WAIT,
    ],
    sending: ['It has been checked and is in line to be sent. It has not been sent completely yet.', ...WAIT],
  },
  coming: ['It has not come completely, or has not been checked yet.', REWRITTEN],
  held: (since) => `It has been waiting since ${since}, and has not been sent yet.`,
  heldGoesOn: 'What happens next: the gateway tries again by itself, and goes on as soon as it can.',
  heldAct: 'You should do something:',
  heldWait: 'You need not do anything.',
  gaveUp:
    'The gateway has stopped trying by itself. An operator of the gateway has to let it go on: tell them the reference. The gateway keeps what it has; nothing is lost.',
  paused: (since) =>
    `An operator has paused the gateway, or a part of it, since ${since}. What waits stays where it is until the operator lets it go on; nothing is lost, and you need not do anything.`,
  sentBefore: (moment) =>
    `It was sent on ${moment}, and an operator has asked for it to be sent again. It waits for that, or is being sent again.`,
  withdrawn: (since) => [
    `It waited in the drop folder, and does not lie there any more under this name, as was noticed on ${since}: it was taken back or renamed before the gateway could take it.`,
    'Nothing of it was sent. If you want it to be sent, drop it again.',
  ],
  refused: (since) => `It was refused on ${since}. It has not been sent, and will not be sent as it is.`,
  refusedStays:
    'What you handed in has not been touched: it still lies where you dropped it, unless somebody has moved it.',
  refusedKept:
    'The gateway keeps the copy it examined locked away for some time (quarantine), where only the operator can look at it.',
  refusedUnread: 'The gateway has not read the contents and has kept nothing of them.',
  sent: (since) => `It was sent over the one-way link on ${since}.`,
  unknowable:
    'Nobody on this side can know whether it reached the other side: the link leads one way only, and no answer can come back.',
  estimate: (odds, loss) =>
    `${odds.of / odds.in >= 0.95 ? 'It is expected to be complete there' : 'It may be incomplete there'}: if the link loses no more than ${loss} % of what is sent, spread at random, ${odds.more ? 'more than ' : ''}${count(odds.of)} in ${count(odds.in)} such transfers are complete.`,
  estimateIsNot:
    'That is a calculation from an assumption of the operator. It is no confirmation, and it does not count an interrupted link.',
  missing: (reference, sequence, until) =>
    `If the recipient does not find it: give the operator of this side the reference ${reference} (number ${sequence}). It can be sent again without you until about ${until}; after that, drop the file once more.`,
  original: {
    moved: (path) => `Your file has been moved to the folder of accepted files, as "${path}".`,
    deleted: () => 'Your file has been deleted from the drop folder, as configured.',
    kept: () => 'Your file stays in the drop folder.',
    changed: () =>
      'A file of this name in the drop folder is no longer the one that was sent. It stays there and counts as a new file.',
    gone: () => 'Your file was no longer in the drop folder afterwards; the gateway has not removed it.',
    stays: () => 'Your file stays in the drop folder: it could not be moved to the folder of accepted files.',
  },

  originals: {
    moved: (n, path) => `Moved to the folder of accepted files: ${files(n)}, such as "${path}".`,
    deleted: (n) => `Deleted from the drop folder, as configured: ${files(n)}.`,
    kept: (n) => `Left in the drop folder: ${files(n)}.`,
    changed: (n) => `No longer what was sent, so left in the drop folder as new: ${files(n)}.`,
    gone: (n) => `No longer in the drop folder afterwards, and not removed by the gateway: ${files(n)}.`,
    stays: (n) => `Left in the drop folder, because the folder of accepted files could not take them: ${files(n)}.`,
  },

  waiting: (isHere, since) =>
    isHere
      ? `It has come completely, and waits since ${since} to be put into your storage.`
      : `It has been announced. This side cannot receive it for now; it waits since ${since}.`,
  waitingTurn: 'Others are before it, or your storage answers slowly.',
  waitingGoesOn: 'The gateway tries again by itself. This text is written anew when something changes.',
  released: (path, since) => `It was put into your storage as "${path}" on ${since}.`,
  renamed: (name) =>
    `There was a file called "${name}" already. It was not touched; the new one has got a version in its name.`,
  facts: (sha256, label, sealedBy, sealed) => [
    `Classification label: ${label}.`,
    `Sealed on the other side with the key ${sealedBy}${sealed === null ? '' : `, by its clock on ${sealed}`}.`,
    `SHA-256 of the contents: ${sha256}`,
  ],
  quarantined: (since) =>
    `It did not pass the checks of this side on ${since}. It was not put into your storage. What came of it is locked away for some time (quarantine).`,
  quarantinedTodo: 'Give the reference to the operator of this side, who can say more.',
  nameWithheld: '(name not shown)',
  incomplete: (since) =>
    `Only part of it has come over the link, as of ${since}. What has come is kept for some time; nothing of it is in your storage yet.`,
  incompleteTodo: (reference, sequence) =>
    `The other side cannot know of this. Phone the operator of the sending side and ask for number ${sequence} (reference ${reference}) to be sent again. This text is written anew once it is complete.`,

  summary: {
    title: (side, tenant, day) =>
      side === 'low' ? `Files handed in by ${tenant} on ${day}` : `Files for ${tenant} that came on ${day}`,
    soFar: (moment) => `The day is not over: this is how things stood on ${moment}.`,
    asOf: (moment) => `How things stood on ${moment}.`,
    nothing: (side) => (side === 'low' ? 'Nothing was handed in on this day.' : 'Nothing came on this day.'),
    total: (side, n, bytes) => `${side === 'low' ? 'Handed in' : 'Announced'}: ${files(n)}, ${bytes}. Of these:`,
    state: (state, n, bytes) => `${STATE[state]}: ${files(n)}, ${bytes}.`,
    attention: 'What needs attention:',
    noAttention: 'Nothing needs your attention.',
    entry: (state, name, objects, reference) =>
      `${ENGLISH.title[state]}: ${objects === null ? '' : 'consignment '}"${name}"${objects === null ? '' : `, ${files(objects)}`} (${reference}).`,
    notTaken: (n) => `${files(n)} in the share ${n === 1 ? 'is' : 'are'} not taken yet.`,
    overQuota: (n) =>
      `About ${files(n)} ${n === 1 ? 'lies' : 'lie'} in the share and ${n === 1 ? 'waits' : 'wait'} for room: your administration has as many files in the gateway as it may have. The others are taken as those are sent.`,
    overQuotaUnnamed: (n) => `About ${count(n)} of them have no receipt of their own yet.`,
    unread: (n) =>
      `The gateway could not read ${n === 1 ? 'one announcement' : `${count(n)} announcements`} that came over the link, and has stopped trying. Nobody can know here whose files they describe. The operator has to let it try again. If you miss a file, ask the operator.`,
    more: (n) => `... and ${count(n)} more.`,
    gaps: (n, numbers) =>
      `On the link as a whole, ${n === 1 ? 'one transfer' : `${count(n)} transfers`} of which nothing came: number ${numbers}. Nobody can know here whose they are. If you miss a file, ask the operator.`,
    sentIsNot: '"Sent" means that they left this side. Nobody here can know whether they reached the other one.',
  },
};

const STATE = {
  taken: 'Taken, to be checked',
  sealed: 'Checked, to be sent',
  sending: 'Being sent',
  held: 'On hold',
  withdrawn: 'Taken back, not sent',
  waiting: 'Waiting',
  refused: 'Refused',
  sent: 'Sent',
  assembling: 'Arriving',
  verifying: 'Being checked',
  released: 'Released into your storage',
  quarantined: 'Not released (quarantine)',
  incomplete: 'Incomplete',
} as const;
