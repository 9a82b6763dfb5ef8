/** Every reason a receipt can give, in French. A test compares it with the table of codes. */
import type { CodeWords } from './language.js';

const words = (what: string, todo: string): CodeWords => ({ what, todo });

const RENAME = 'Renommez le fichier avec des lettres ordinaires, puis déposez-le de nouveau.';
const ZIP_AGAIN = "Refaites l'archive, puis déposez-la de nouveau.";
const ASK = "Si ce fichier doit partir, demandez à l'opérateur de la passerelle.";
const NOTHING = 'Rien à faire.';
const RETRIED = "Rien à faire : la passerelle réessaie d'elle-même.";
const OPERATOR = "Adressez-vous à l'opérateur de la passerelle en donnant la référence.";

export const FRENCH_CODES: Readonly<Record<string, CodeWords>> = {
  // Noms
  NAME_NOT_UTF8: words(
    "Le nom du fichier est écrit dans un codage que l'on ne peut pas lire (il n'est pas en UTF-8).",
    RENAME,
  ),
  NAME_FORBIDDEN_CHARACTER: words(
    'Le nom du fichier contient un caractère interdit : caractère de commande, caractère invisible ou qui change le sens de lecture, ou barre oblique inverse (\\).',
    RENAME,
  ),
  NAME_UNSAFE_PATH: words(
    'Le chemin contient une partie vide, « . » ou « .. », ou commence à la racine.',
    'Donnez au fichier un chemin simple, puis déposez-le de nouveau.',
  ),
  NAME_TOO_LONG: words(
    'Le nom du fichier ou son chemin est trop long.',
    'Raccourcissez les noms (255 octets par partie, 4096 en tout), puis déposez le fichier de nouveau.',
  ),
  NAME_NOT_PORTABLE: words(
    'Ce nom de fichier ne peut pas être utilisé sur tous les ordinateurs (Windows, macOS, Linux).',
    'Évitez les caractères < > : " | ? *, les noms réservés comme CON ou NUL, et un point ou une espace à la fin.',
  ),
  NAME_COLLISION: words(
    'Un autre fichier du même dossier porte un nom qui paraît identique.',
    "Renommez l'un des deux fichiers, puis déposez-le de nouveau.",
  ),

  // Prise en charge
  INTAKE_NOT_REGULAR: words(
    "Ce n'est pas un fichier, mais un lien, un tube ou un périphérique.",
    'Déposez le fichier lui-même.',
  ),
  INTAKE_HARD_LINKED: words(
    "Le fichier porte plusieurs noms (lien physique) : quelqu'un pourrait le modifier depuis un autre endroit.",
    'Déposez une copie du fichier.',
  ),
  INTAKE_TOO_LARGE: words(
    'Le fichier est plus grand que ce qui est permis.',
    "Partagez le fichier en plusieurs, ou demandez à l'opérateur quelle est la limite.",
  ),
  INTAKE_UNSTABLE: words(
    'Le fichier est encore en cours de modification.',
    'Rien à faire : il sera pris dès que plus personne ne le modifie.',
  ),
  INTAKE_VANISHED: words("Le fichier a été retiré avant d'avoir pu être pris.", 'Déposez-le de nouveau.'),
  INTAKE_UNREADABLE: words(
    "La passerelle n'a pas le droit de lire ce fichier, ou la lecture a échoué.",
    "Vérifiez que le fichier et son dossier peuvent être lus ; sinon, adressez-vous à l'opérateur.",
  ),
  INTAKE_CROWDED: words(
    'Il y a plus de fichiers dans les dossiers de dépôt que la passerelle ne peut en suivre.',
    'Videz le dossier de dépôt des fichiers qui sont déjà partis.',
  ),
  FOLDER_SWAPPED: words('Un dossier a été remplacé par autre chose pendant que la passerelle y travaillait.', RETRIED),
  SPOOL_FULL: words(
    "La passerelle est pleine pour l'instant.",
    "Rien à faire : la suite se fait d'elle-même dès que d'autres fichiers en sont sortis.",
  ),
  SPOOL_IO: words("Le disque de la passerelle n'a pas répondu comme il faut.", RETRIED),
  QUOTA_EXCEEDED: words(
    'Votre administration a déjà autant de fichiers en attente dans la passerelle que ce qui lui est permis.',
    "Rien à faire : la suite se fait d'elle-même dès que d'autres fichiers en sont sortis.",
  ),
  QUOTA_TOO_SMALL: words(
    'Ce fichier à lui seul dépasse tout ce que votre administration peut avoir dans la passerelle.',
    "Partagez le fichier en plusieurs, ou demandez à l'opérateur d'augmenter la limite.",
  ),
  TENANT_REMOVED: words("Votre administration n'est plus servie ici pour l'instant.", OPERATOR),
  TENANT_GIVEN_UP: words(
    "Votre administration n'était plus servie ici, et l'opérateur a abandonné ce qui attendait encore.",
    "S'il est encore nécessaire, adressez-vous d'abord à l'opérateur de la passerelle, puis déposez de nouveau le fichier.",
  ),

  // Envois groupés
  CONSIGNMENT_REFUSED: words(
    'Un fichier de cet envoi groupé a été refusé, et un envoi groupé part en entier ou pas du tout.',
    'Corrigez ou retirez le fichier indiqué, puis déposez de nouveau le dossier entier.',
  ),
  CONSIGNMENT_TOO_LARGE: words(
    "L'envoi groupé contient plus de fichiers ou de données que ce qui peut partir ensemble.",
    'Répartissez-le en plusieurs dossiers.',
  ),
  CONSIGNMENT_INVALID: words(
    'Ce qui a été scellé comme un seul envoi groupé ne peut pas former un seul dossier.',
    OPERATOR,
  ),
  CONSIGNMENT_CONFLICT: words('Deux descriptions de cet envoi groupé se contredisent.', OPERATOR),
  CONSIGNMENT_INCOMPLETE: words(
    "D'autres fichiers de cet envoi groupé ne sont pas arrivés ; rien n'en est donc remis.",
    'Demandez que les fichiers manquants soient envoyés de nouveau : celui-ci les attend.',
  ),

  // Contrôle du contenu
  SCAN_CRASHED: words("Le contrôle s'est arrêté en lisant ce fichier, qui est donc considéré comme dangereux.", ASK),
  SCAN_TIMEOUT: words("Le contrôle de ce fichier n'a pas fini à temps ; il est donc considéré comme dangereux.", ASK),
  SCAN_MEMORY: words('Le contrôle de ce fichier demande trop de mémoire ; il est donc considéré comme dangereux.', ASK),
  SCAN_UNAVAILABLE: words(
    "Un contrôle obligatoire ne peut pas être fait pour l'instant.",
    'Rien à faire : le fichier est contrôlé dès que cela est possible.',
  ),
  SCAN_TYPE_NOT_ALLOWED: words(
    'Les fichiers de ce type ne peuvent pas être envoyés.',
    "Envoyez le document sous une forme permise, ou demandez à l'opérateur quelles formes le sont.",
  ),
  TYPE_EXTENSION_MISMATCH: words(
    "Le contenu n'est pas celui que le nom du fichier annonce.",
    'Donnez au fichier la terminaison qui correspond à son contenu, puis déposez-le de nouveau.',
  ),
  SCAN_ARCHIVE_DAMAGED: words(
    "L'archive ne peut pas être lue : elle est abîmée ou n'est pas ce qu'elle prétend être.",
    ZIP_AGAIN,
  ),
  SCAN_ARCHIVE_LIMIT: words(
    "L'archive contient plus de fichiers ou plus de données que l'on ne peut contrôler.",
    "Partagez l'archive en plusieurs.",
  ),
  SCAN_ARCHIVE_ENCRYPTED: words(
    "L'archive contient des fichiers protégés par un mot de passe, que l'on ne peut pas contrôler.",
    "Refaites l'archive sans mot de passe, puis déposez-la de nouveau.",
  ),
  SCAN_ARCHIVE_METHOD: words(
    "Un fichier de l'archive est comprimé d'une manière que l'on ne peut pas contrôler.",
    "Refaites l'archive avec la compression ordinaire (« deflate »).",
  ),
  SCAN_ARCHIVE_NAME: words(
    "Un nom dans l'archive n'est pas un chemin simple : le fichier pourrait être extrait au mauvais endroit.",
    "Refaites l'archive avec des noms simples.",
  ),
  SCAN_ARCHIVE_LINK: words(
    "L'archive contient un lien ou un périphérique au lieu d'un fichier.",
    "Refaites l'archive avec les fichiers eux-mêmes.",
  ),
  SCAN_ARCHIVE_NESTED: words(
    "L'archive contient une autre archive, qui n'a pas été ouverte.",
    "Mettez les fichiers dans une seule archive, ou envoyez l'archive intérieure séparément.",
  ),
  SCAN_NOT_INSPECTED: words(
    "Le contenu de ce genre de fichier composé n'a pas été contrôlé.",
    'Envoyez les fichiers eux-mêmes, ou mettez-les dans une archive ZIP.',
  ),

  // Mise sous scellé et envoi
  SEAL_VERDICT_INCOMPLETE: words("Un contrôle obligatoire manque ; le fichier n'est donc pas envoyé.", OPERATOR),
  SEAL_UNAVAILABLE: words("Le fichier n'a pas pu être scellé.", RETRIED),
  ENVELOPE_TOO_LARGE: words(
    'La description de ce fichier est trop longue pour être envoyée.',
    'Partagez le fichier en plusieurs, puis déposez-les.',
  ),
  CHILD_FAILED: words("Une partie de la passerelle s'est arrêtée et redémarre.", NOTHING),
  QUEUE_JOB_FATAL: words("La passerelle s'est arrêtée plusieurs fois en traitant ce fichier.", OPERATOR),
  INTERNAL: words('Une erreur qui ne devrait pas se produire est arrivée dans la passerelle.', OPERATOR),

  // Côté haut
  MANIFEST_INVALID: words('La description du fichier se contredit.', OPERATOR),
  VERIFY_TENANT_UNKNOWN: words("Le destinataire n'est pas connu de ce côté.", OPERATOR),
  VERIFY_LABEL_NOT_ALLOWED: words("Le niveau de classification du fichier n'est pas admis ici.", OPERATOR),
  VERIFY_VERDICT_MISSING: words("Un contrôle exigé de ce côté n'a pas été fait avant l'envoi.", OPERATOR),
  VERIFY_TYPE_NOT_ALLOWED: words('Les fichiers de ce type ne sont pas remis à votre administration.', OPERATOR),
  VERIFY_TOO_LARGE: words(
    'Le fichier est plus grand que ce que ce côté accepte.',
    "Faites-le partager en plusieurs et envoyer de nouveau, ou adressez-vous à l'opérateur.",
  ),
  DIGEST_MISMATCH: words(
    'Les données reçues ne sont pas celles qui avaient été scellées.',
    'Demandez que le fichier soit envoyé de nouveau.',
  ),
  TRANSFER_INCOMPLETE: words(
    "Une trop grande partie de l'envoi s'est perdue en route. Ce qui est arrivé est conservé.",
    'Demandez que le fichier soit envoyé de nouveau : seul ce qui manque sera complété.',
  ),
  TRANSFER_UNSEEN: words("Un envoi a été annoncé, dont rien n'est arrivé.", 'Demandez que cet envoi soit répété.'),
  RELEASE_UNSAFE_TARGET: words(
    "Un dossier sur le chemin de destination est un lien ou n'est pas un dossier.",
    "Retirez-le de votre espace, puis adressez-vous à l'opérateur.",
  ),
  RELEASE_IO: words("Le fichier n'a pas pu être écrit dans votre espace.", RETRIED),
  STORAGE_FULL: words('Le disque de destination est plein.', "Faites de la place ; la suite se fait d'elle-même."),
};
