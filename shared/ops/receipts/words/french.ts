/** Récépissés et relevés en français. */
import { FRENCH_CODES } from './frenchCodes.js';
import { frenchDetail } from './frenchDetails.js';
import type { Language } from './language.js';
import { grouped, inUnits } from './numbers.js';

const count = (n: number): string => grouped(n, ' ');
const files = (n: number): string => (n < 2 ? `${n} fichier` : `${count(n)} fichiers`);
const size = (bytes: number): string => {
  const exact = bytes < 2 ? `${bytes} octet` : `${count(bytes)} octets`;
  return bytes < 1000 ? exact : `${inUnits(bytes, ['ko', 'Mo', 'Go', 'To'], ',')} (${exact})`;
};

const REWRITTEN = 'Ce texte est réécrit quand quelque chose change.';
const WAIT = [
  `Vous n'avez rien à faire. ${REWRITTEN}`,
  "Si cela dure longtemps, adressez-vous à l'opérateur de la passerelle.",
];

export const FRENCH: Language = {
  tag: 'fr',
  name: 'Français',
  codes: FRENCH_CODES,
  unknownCode: {
    what: 'Un contrôle de la passerelle a soulevé une objection.',
    todo: "Adressez-vous à l'opérateur de la passerelle en donnant la référence.",
  },
  count,
  size,
  moment: (day, clock) => `${day} à ${clock}`,
  zone: (offset) => `Heures locales (${offset}).`,

  title: {
    taken: 'PRIS EN CHARGE',
    sealed: 'CONTRÔLÉ',
    sending: "EN COURS D'ENVOI",
    held: 'EN ATTENTE',
    withdrawn: 'RETIRÉ',
    waiting: 'EN ATTENTE',
    refused: 'REFUSÉ',
    sent: 'ENVOYÉ',
    assembling: 'EN COURS DE RÉCEPTION',
    verifying: 'EN COURS DE CONTRÔLE',
    released: 'REMIS',
    quarantined: 'NON REMIS',
    incomplete: 'INCOMPLET',
  },
  file: (name, bytes) => `Fichier : « ${name} », ${bytes}.`,
  consignment: (name, objects, bytes) => `Envoi groupé : le dossier « ${name} », ${files(objects)}, ${bytes}.`,
  handedIn: (moment) => `Déposé le ${moment}.`,
  announced: (moment) => `Vu pour la première fois de ce côté le ${moment}.`,
  reference: (reference, sequence) =>
    `Référence : ${reference}${sequence === null ? '' : `, numéro ${sequence}`}. Indiquez-la pour toute question.`,
  detail: (text) => {
    const french = frenchDetail(text);
    return french === undefined ? `Précision (en anglais) : ${text}` : `Précision : ${french}`;
  },
  where: (place) => `Où dans le fichier : « ${place} ».`,
  why: (what) => `Pourquoi : ${what}`,
  which: (path, what) => `Quel fichier : « ${path} ». ${what}`,
  todo: (what) => `Que faire maintenant : ${what}`,

  inWork: {
    taken: [
      "La passerelle en a pris une copie. Il attend son tour d'être contrôlé, et n'est pas encore envoyé.",
      ...WAIT,
    ],
    sealed: [
      "La passerelle en a pris une copie et l'a contrôlée. Il attend son tour d'être envoyé, et n'est pas encore envoyé.",
      ...WAIT,
    ],
    sending: ["Il est contrôlé et placé dans la file d'envoi. Il n'est pas encore envoyé en entier.", ...WAIT],
  },
  coming: ["Il n'est pas encore là en entier, ou pas encore contrôlé.", REWRITTEN],
  held: (since) => `Il attend depuis le ${since}, et n'est pas encore envoyé.`,
  heldGoesOn: "Ensuite : la passerelle réessaie d'elle-même et continue dès qu'elle le peut.",
  heldAct: 'Vous devriez faire quelque chose :',
  heldWait: "Vous n'avez rien à faire.",
  gaveUp:
    "La passerelle a cessé de réessayer d'elle-même. Un opérateur de la passerelle doit la relancer : donnez-lui la référence. La passerelle garde ce qu'elle a ; rien n'est perdu.",
  paused: (since) =>
    `Un opérateur a mis la passerelle, ou une partie d'elle, en pause depuis le ${since}. Ce qui attend reste où il est jusqu'à ce que l'opérateur la laisse reprendre ; rien n'est perdu, et vous n'avez rien à faire.`,
  sentBefore: (moment) =>
    `Il a été envoyé le ${moment}, et un opérateur a demandé qu'il soit envoyé de nouveau. Il attend ce nouvel envoi, ou le nouvel envoi est en cours.`,
  withdrawn: (since) => [
    `Il attendait dans le dossier de dépôt et ne s'y trouve plus sous ce nom, comme on l'a constaté le ${since} : il a été retiré ou renommé avant que la passerelle ait pu le prendre.`,
    "Rien n'en a été envoyé. Si vous voulez qu'il soit envoyé, déposez-le de nouveau.",
  ],
  refused: (since) => `Il a été refusé le ${since}. Il n'a pas été envoyé, et ne le sera pas tel qu'il est.`,
  refusedStays:
    "Ce que vous avez déposé n'a pas été touché : cela se trouve toujours à sa place, sauf si quelqu'un l'a déplacé.",
  refusedKept:
    "La passerelle garde la copie qu'elle a examinée sous clé pendant un certain temps (quarantaine), où seul l'opérateur peut la regarder.",
  refusedUnread: "La passerelle n'a pas lu le contenu et n'en a rien gardé.",
  sent: (since) => `Il a été envoyé sur la liaison à sens unique le ${since}.`,
  unknowable:
    "Personne de ce côté ne peut savoir s'il a atteint l'autre côté : la liaison ne va que dans un sens, et aucune réponse ne peut revenir.",
  estimate: (odds, loss) =>
    `${odds.of / odds.in >= 0.95 ? "On peut s'attendre à ce qu'il y soit complet" : "Il se peut qu'il y soit incomplet"} : si la liaison ne perd pas plus de ${loss.replace('.', ',')} % de ce qui est envoyé, réparti au hasard, un tel envoi est complet ${odds.more ? 'plus de ' : ''}${count(odds.of)} fois sur ${count(odds.in)}.`,
  estimateIsNot:
    "C'est un calcul fondé sur une hypothèse de l'opérateur. Ce n'est pas une confirmation, et une coupure de la liaison n'y est pas comptée.",
  missing: (reference, sequence, until) =>
    `Si le destinataire ne le trouve pas : donnez à l'opérateur de ce côté la référence ${reference} (numéro ${sequence}). Le fichier peut être envoyé de nouveau sans vous jusqu'au ${until} environ ; ensuite, déposez-le encore une fois.`,
  original: {
    moved: (path) => `Votre fichier a été déplacé dans le dossier des fichiers acceptés, sous le nom « ${path} ».`,
    deleted: () => 'Votre fichier a été effacé du dossier de dépôt, comme prévu par la configuration.',
    kept: () => 'Votre fichier reste dans le dossier de dépôt.',
    changed: () =>
      "Le fichier qui porte ce nom dans le dossier de dépôt n'est plus celui qui a été envoyé. Il y reste et compte comme un nouveau fichier.",
    gone: () =>
      "Votre fichier n'était plus dans le dossier de dépôt ensuite ; ce n'est pas la passerelle qui l'a retiré.",
    stays: () =>
      "Votre fichier reste dans le dossier de dépôt : il n'a pas pu être déplacé dans celui des fichiers acceptés.",
  },

  originals: {
    moved: (n, path) => `Déplacés dans le dossier des fichiers acceptés : ${files(n)}, par exemple « ${path} ».`,
    deleted: (n) => `Effacés du dossier de dépôt, comme prévu par la configuration : ${files(n)}.`,
    kept: (n) => `Laissés dans le dossier de dépôt : ${files(n)}.`,
    changed: (n) => `Modifiés depuis, donc laissés dans le dossier de dépôt comme nouveaux : ${files(n)}.`,
    gone: (n) => `Absents du dossier de dépôt ensuite, sans que la passerelle les ait retirés : ${files(n)}.`,
    stays: (n) =>
      `Laissés dans le dossier de dépôt, car ils n'ont pas pu être déplacés dans celui des fichiers acceptés : ${files(n)}.`,
  },

  waiting: (isHere, since) =>
    isHere
      ? `Il est arrivé en entier, et attend depuis le ${since} d'être mis dans votre espace.`
      : `Il a été annoncé. Ce côté ne peut pas le recevoir pour l'instant ; il attend depuis le ${since}.`,
  waitingTurn: "D'autres fichiers passent avant lui, ou votre espace répond lentement.",
  waitingGoesOn: "La passerelle réessaie d'elle-même. Ce texte est réécrit quand quelque chose change.",
  released: (path, since) => `Il a été mis dans votre espace sous le nom « ${path} » le ${since}.`,
  renamed: (name) =>
    `Il y avait déjà un fichier nommé « ${name} ». Il n'a pas été modifié ; le nouveau porte un numéro de version dans son nom.`,
  facts: (sha256, label, sealedBy, sealed) => [
    `Classification : ${label}.`,
    `Scellé de l'autre côté avec la clé ${sealedBy}${sealed === null ? '' : `, selon son horloge le ${sealed}`}.`,
    `SHA-256 du contenu : ${sha256}`,
  ],
  quarantined: (since) =>
    `Il n'a pas passé les contrôles de ce côté le ${since}. Il n'a pas été mis dans votre espace. Ce qui en est arrivé est gardé sous clé pendant un certain temps (quarantaine).`,
  quarantinedTodo: "Donnez la référence à l'opérateur de ce côté, qui peut en dire plus.",
  nameWithheld: '(nom non indiqué)',
  incomplete: (since) =>
    `Une partie seulement en est passée par la liaison, état du ${since}. Ce qui est arrivé est conservé pendant un certain temps ; rien n'en est encore dans votre espace.`,
  incompleteTodo: (reference, sequence) =>
    `L'autre côté ne peut pas le savoir. Téléphonez à l'opérateur du côté qui envoie et demandez que le numéro ${sequence} (référence ${reference}) soit envoyé de nouveau. Ce texte est réécrit dès que le fichier est complet.`,

  summary: {
    title: (side, tenant, day) =>
      side === 'low' ? `Fichiers déposés par ${tenant} le ${day}` : `Fichiers pour ${tenant} arrivés le ${day}`,
    soFar: (moment) => `La journée n'est pas finie : voici l'état du ${moment}.`,
    asOf: (moment) => `État du ${moment}.`,
    nothing: (side) => (side === 'low' ? "Rien n'a été déposé ce jour-là." : "Rien n'est arrivé ce jour-là."),
    total: (side, n, bytes) =>
      `${side === 'low' ? (n < 2 ? 'Déposé' : 'Déposés') : n < 2 ? 'Annoncé' : 'Annoncés'} : ${files(n)}, ${bytes}. Dont :`,
    state: (state, n, bytes) => `${STATE[state]} : ${files(n)}, ${bytes}.`,
    attention: 'Ce qui demande votre attention :',
    noAttention: 'Rien ne demande votre attention.',
    entry: (state, name, objects, reference) =>
      `${FRENCH.title[state]} : ${objects === null ? '' : 'envoi groupé '}« ${name} »${objects === null ? '' : `, ${files(objects)}`} (${reference}).`,
    notTaken: (n) => `${files(n)} du dossier de dépôt : pas encore pris en charge.`,
    overQuota: (n) =>
      `Environ ${files(n)} du dossier de dépôt ${n < 2 ? 'attend' : 'attendent'} de la place : votre administration a dans la passerelle autant de fichiers qu'il lui est permis. Les autres sont pris à mesure que ceux-là sont envoyés.`,
    overQuotaUnnamed: (n) => `Environ ${count(n)} d'entre eux ${n < 2 ? "n'a" : "n'ont"} pas encore de récépissé.`,
    unread: (n) =>
      `La passerelle n'a pas pu lire ${n === 1 ? 'une annonce venue' : `${count(n)} annonces venues`} par la liaison, et a cessé de réessayer. Personne ici ne peut savoir de quels fichiers il s'agit. L'opérateur doit la relancer. S'il vous manque un fichier, adressez-vous à l'opérateur.`,
    more: (n) => `... et ${count(n)} de plus.`,
    gaps: (n, numbers) =>
      `Sur toute la liaison, ${n === 1 ? 'un envoi' : `${count(n)} envois`} dont rien n'est arrivé : numéro ${numbers}. Personne ici ne peut savoir à qui ils sont. S'il vous manque un fichier, adressez-vous à l'opérateur.`,
    sentIsNot:
      "« Envoyés » veut dire qu'ils sont partis d'ici. Personne de ce côté ne peut savoir s'ils ont atteint l'autre.",
  },
};

const STATE = {
  taken: 'Pris en charge, à contrôler',
  sealed: 'Contrôlés, à envoyer',
  sending: "En cours d'envoi",
  held: 'En attente',
  withdrawn: 'Retirés, non envoyés',
  waiting: 'En attente',
  refused: 'Refusés',
  sent: 'Envoyés',
  assembling: 'En cours de réception',
  verifying: 'En cours de contrôle',
  released: 'Remis dans votre espace',
  quarantined: 'Non remis (quarantaine)',
  incomplete: 'Incomplets',
} as const;
