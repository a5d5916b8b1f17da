/* SPDX-License-Identifier: MIT */
/*
 * password.c - yescrypt through crypt_r, and the rules for new passwords.
 *
 * crypt_r works in 32 KB that afterwards hold traces of the password: they are
 * taken from a pool of their own, wiped and given back at once. The rules are
 * those of Django's validators, whose sentences clients already know; instead
 * of a long list of common passwords there is a short one of their cores,
 * because "password123", "P@ssw0rd!!" and "passwordpassword" are one password.
 */
#include "password.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include <openssl/crypto.h>

/* libxcrypt's default since 4.4: N = 4096, r = 32, 16 MB for each hash. */
#define YESCRYPT_PREFIX "$y$"
#define YESCRYPT_COUNT 5
#define YESCRYPT_PARAMETERS "$y$j9T$"

/* Of no account, at the cost above; whether it matches is never asked. */
#define DUMMY_HASH                                                             \
    YESCRYPT_PARAMETERS "0123456789ABCDEFGHIJK.$"                              \
                        "vmSf18N8gY/6ubzeS4Yc5Tnx8.YHsAMxeimYNQXL.o5"

#define SIMILAR_CHARS_MIN 4
#define REPEATED_UNIT_CHARS_MAX 4

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const KNOWN_PREFIXES[] = {"$y$", "$2b$", "$2y$", "$6$"};

/* What each entry of `own` is called, by its place. */
static const char *const OWN_NAMES[] = {"email address", "username",
                                        "first name", "last name"};
static const char OWN_NAME_OTHER[] = "personal information";

/*
 * The most used passwords in lower case, without decorations: those that
 * anybody makes long enough by a year, an exclamation mark or a second time.
 * Sorted by strcmp.
 */
/* clang-format off */
static const char *const COMMON[] = {
    "0123456789", "0987654321", "1029384756", "1122334455", "123123123123",
    "123321123321", "1234554321", "1234567890", "12345678910",
    "123456789a", "123456789q", "1q2w3e4r5t", "1q2w3e4r5t6y", "1qaz2wsx",
    "1qaz2wsx3edc", "1qazxsw23edc", "2wsx3edc4rfv", "9876543210",
    "987654321a", "a123456789", "a1b2c3d4e5", "aa12345678", "abc123456789",
    "abcd123456", "abcd1234567", "abcdef", "abcdefg", "abcdefgh", "abcdefghi",
    "abcdefghij", "abcdefghijk", "abcdefghijkl", "abracadabra", "access",
    "admin", "adminadmin", "administrator", "alexander", "alexandra",
    "amanda", "america", "american", "andrea", "andrew", "angel", "angela",
    "anthony", "apple", "arsenal", "asd123asd123", "asdf123456", "asdfgh",
    "asdfghjk", "asdfghjkl", "ashley", "august", "austin", "autumn", "azerty",
    "azertyuiop", "babygirl", "bailey", "barcelona", "baseball", "basketball",
    "batman", "beautiful", "benjamin", "bismillah", "blessed", "blink",
    "bonjour", "brandon", "brittany", "buster", "butterfly", "california",
    "carlos", "caroline", "changeit", "changeme", "changemenow", "charlie",
    "chelsea", "chester", "chicago", "chicken", "chocolate", "christian",
    "christina", "christopher", "cinderella", "coffee", "company", "computer",
    "contrasena", "contrasenha", "cookie", "cowboys", "creative", "crystal",
    "dallas", "daniel", "daniela", "danielle", "david", "december", "default",
    "dolphin", "dragon", "dragonball", "edward", "elizabeth", "emmanuel",
    "england", "estrella", "facebook", "family", "fernando", "florida",
    "flower", "football", "forever", "freedom", "friday", "friend",
    "friends", "friendship", "fuckyou", "gabriel", "gateway", "george",
    "germany", "ginger", "godisgood", "godzilla", "goodluck", "google",
    "guest", "guitar", "hallo", "halloween", "hannah", "happiness", "harley",
    "harrypotter", "heather", "hello", "helloworld", "hockey", "hunter",
    "iloveu", "iloveyou", "iloveyoubaby", "iloveyousomuch", "internet",
    "israel", "jackson", "january", "jasmine", "jason", "jennifer", "jessica",
    "jesus", "jesuschrist", "johnson", "jonathan", "jordan", "joseph",
    "joshua", "justin", "justinbieber", "killer", "kristina", "lebron",
    "leonardo", "letmein", "letmeinnow", "letmeinplease", "liverpool",
    "london", "lovelove", "lovely", "loveme", "lovers", "loveyou",
    "madison", "maggie", "manchester", "manchesterunited", "manutd",
    "maria", "marina", "martin", "master", "matrix", "matthew", "maverick",
    "melissa", "merlin", "metallica", "michael", "michelle", "mickey",
    "microsoft", "midnight", "million", "mohamed", "mohammed", "monday",
    "monica", "monkey", "monster", "montana", "morgan", "motdepasse",
    "mother", "mustang", "mynameis", "mypass", "mypassword", "naruto",
    "natasha", "nicholas", "nicole", "nintendo", "nothing", "november",
    "october", "office", "oliver", "opensesame", "orange", "parola", "pass",
    "passpass", "passport", "passw", "passwd", "password", "passwords",
    "passwort", "patrick", "peanut", "pepper", "pikachu", "player", "pokemon",
    "precious", "prince", "princesa", "princess", "purple", "q123456789",
    "q1w2e3r4t5", "q1w2e3r4t5y6", "qazwsx", "qazwsx123", "qazwsxedc",
    "qazwsxedcrfv", "qwe123qwe123", "qweasd", "qweasdzxc", "qweasdzxc123",
    "qwer", "qwer12345678", "qwerasdf", "qwerasdfzxcv", "qwert", "qwerty",
    "qwerty123456", "qwertyu", "qwertyui", "qwertyuio", "qwertyuiop",
    "rainbow", "realmadrid", "rebecca", "richard", "robert", "ronaldo",
    "root", "salasana", "samantha", "samsung", "samsunggalaxy", "scooter",
    "scorpion", "secret", "secretpassword", "secure", "security", "senha",
    "september", "shadow", "shannon", "shopping", "silver", "slipknot",
    "snoopy", "soccer", "spiderman", "spongebob", "spring", "starwars",
    "stephanie", "steven", "success", "summer", "sunshine", "superman",
    "supernatural", "superstar", "sweetheart", "sweetie", "sydney", "system",
    "taylor", "tequiero", "test", "teste", "tester", "testing", "testtest",
    "thomas", "thunder", "tigger", "tinkerbell", "tottenham", "trustno",
    "trustnoone", "tweety", "twilight", "unicorn", "universe", "user",
    "username", "vanessa", "verbatim", "veronica", "victoria", "victory",
    "vincent", "wachtwoord", "welcome", "welcomehome", "whatever", "william",
    "winner", "winter", "wizard", "wonderful", "worldcup", "yamaha", "yankees",
    "yellow", "yourpassword", "zaq12wsxcde3", "zaq1xsw2cde3", "zaqwsx",
    "zxcvbn", "zxcvbnm", "zxcvbnmasdfghjkl",
};
/* clang-format on */

/* ---- crypt ---- */

static apr_status_t crypt_wipe(void *data)
{
    explicit_bzero(data, sizeof(struct crypt_data));
    return APR_SUCCESS;
}

/* crypt_r with memory of its own; the hash in `p`, NULL on failure. */
static const char *crypt_once(apr_pool_t *p, const char *password,
                              const char *setting)
{
    apr_pool_t *scratch;
    struct crypt_data *data;
    const char *hash;

    if (apr_pool_create(&scratch, p) != APR_SUCCESS) {
        return NULL;
    }
    data = apr_pcalloc(scratch, sizeof(*data));
    apr_pool_cleanup_register(scratch, data, crypt_wipe, apr_pool_cleanup_null);
    hash = crypt_r(password, setting, data);
    hash = hash && hash[0] != '*' ? apr_pstrdup(p, hash) : NULL;
    apr_pool_destroy(scratch);
    return hash;
}

static int is_known(const char *hash)
{
    apr_size_t i;

    for (i = 0; i < COUNT(KNOWN_PREFIXES); i++) {
        if (strncmp(hash, KNOWN_PREFIXES[i], strlen(KNOWN_PREFIXES[i])) == 0) {
            return 1;
        }
    }
    return 0;
}

static int is_same(const char *a, const char *b)
{
    apr_size_t length = strlen(a);

    return length == strlen(b) && CRYPTO_memcmp(a, b, length) == 0;
}

/* The value of a digit of crypt's base 64, -1 for what is none. */
static int digit_of(char c)
{
    static const char DIGITS[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz";
    const char *found = c ? strchr(DIGITS, c) : NULL;

    return found ? (int)(found - DIGITS) : -1;
}

/*
 * N * r of a yescrypt hash as libxcrypt writes it, "$y$j" and one digit each
 * for log2(N) - 1 and r - 1; 0 for everything else. Digits from 48 on would
 * open a longer number, which no cost in use needs.
 */
static long long cost_of(const char *hash)
{
    int n, r;

    if (strncmp(hash, YESCRYPT_PREFIX "j", 4) != 0) {
        return 0;
    }
    n = digit_of(hash[4]);
    r = n < 0 ? -1 : digit_of(hash[5]);
    if (n < 0 || n >= 48 || r < 0 || r >= 48 || hash[6] != '$') {
        return 0;
    }
    return (r + 1LL) << (n + 1);
}

/* ---- rules ---- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c & 0x80);
}

/* Bytes of UTF-8 that begin a character. */
static apr_size_t count_chars(const char *text)
{
    apr_size_t count = 0;

    for (; *text; text++) {
        count += (*text & 0xc0) != 0x80;
    }
    return count;
}

static int compare_words(const void *key, const void *entry)
{
    return strcmp(key, *(const char *const *)entry);
}

static int is_listed(const char *word)
{
    return bsearch(word, COMMON, COUNT(COMMON), sizeof(COMMON[0]),
                   compare_words) != NULL;
}

/* Cut a text that repeats its beginning ("abcabc") down to it. */
static void fold_repetition(char *text)
{
    apr_size_t length = strlen(text);
    apr_size_t unit;

    for (unit = 1; unit <= length / 2; unit++) {
        if (length % unit == 0 &&
            memcmp(text, text + unit, length - unit) == 0) {
            text[unit] = '\0';
            return;
        }
    }
}

/* Take off digits and signs before and behind. */
static void strip_decoration(char *text)
{
    apr_size_t length = strlen(text);
    apr_size_t start = 0;

    while (length > 0 && !is_letter(text[length - 1])) {
        length--;
    }
    while (start < length && !is_letter(text[start])) {
        start++;
    }
    memmove(text, text + start, length - start);
    text[length - start] = '\0';
}

/* Put letters back where look-alikes stand. */
static void undo_lookalikes(char *text)
{
    static const char SIGNS[] = "0134578@$!";
    static const char LETTERS[] = "oieastbasi";

    for (; *text; text++) {
        const char *found = strchr(SIGNS, *text);

        if (found) {
            *text = LETTERS[found - SIGNS];
        }
    }
}

/* `text` is worked upon, from the plainest reading to the most generous. */
static int is_common(char *text)
{
    if (is_listed(text)) {
        return 1;
    }
    fold_repetition(text);
    if (strlen(text) <= REPEATED_UNIT_CHARS_MAX || is_listed(text)) {
        return 1;
    }
    strip_decoration(text);
    if (is_listed(text)) {
        return 1;
    }
    undo_lookalikes(text);
    return is_listed(text);
}

static void lower_into(char *copy, const char *text)
{
    for (; *text; text++) {
        *copy++ = lower(*text);
    }
    *copy = '\0';
}

/* `password` in lower case holds `own` or stands in it. */
static int is_similar(apr_pool_t *p, const char *password, const char *own)
{
    char *part = apr_pstrdup(p, own);
    char *at;

    lower_into(part, own);
    at = strchr(part, '@');
    if (at) {
        *at = '\0';
    }
    if (count_chars(part) < SIMILAR_CHARS_MIN) {
        return 0;
    }
    return strstr(password, part) || strstr(part, password);
}

static const char *similarity(apr_pool_t *p, const char *password,
                              const char *const *own)
{
    apr_size_t i;

    for (i = 0; own && own[i]; i++) {
        if (is_similar(p, password, own[i])) {
            return apr_psprintf(p, "The password is too similar to the %s.",
                                i < COUNT(OWN_NAMES) ? OWN_NAMES[i]
                                                     : OWN_NAME_OTHER);
        }
    }
    return NULL;
}

/* ---- public ---- */

const char *ecs_password_hash(apr_pool_t *p, const char *password)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];

    if (strlen(password) >= ECS_PASSWORD_BYTES_MAX ||
        !crypt_gensalt_rn(YESCRYPT_PREFIX, YESCRYPT_COUNT, NULL, 0, setting,
                          sizeof(setting))) {
        return NULL;
    }
    return crypt_once(p, password, setting);
}

int ecs_password_verify(apr_pool_t *p, const char *password, const char *hash)
{
    const char *found = NULL;

    if (strlen(password) >= ECS_PASSWORD_BYTES_MAX) {
        password = "";
        hash = NULL;
    }
    if (hash && is_known(hash)) {
        found = crypt_once(p, password, hash);
    }
    if (!found) {
        crypt_once(p, password, DUMMY_HASH);
        return 0;
    }
    return is_same(found, hash);
}

int ecs_password_is_outdated(const char *hash)
{
    return cost_of(hash) < cost_of(YESCRYPT_PARAMETERS);
}

const char *ecs_password_weakness(apr_pool_t *p, const char *password,
                                  const char *const *own)
{
    char plain[ECS_PASSWORD_BYTES_MAX];
    const char *sentence;

    if (count_chars(password) < ECS_PASSWORD_CHARS_MIN) {
        return apr_psprintf(p,
                            "This password is too short. It must contain at "
                            "least %d characters.",
                            ECS_PASSWORD_CHARS_MIN);
    }
    if (strlen(password) >= sizeof(plain)) {
        return apr_psprintf(p,
                            "This password is too long. It must contain at "
                            "most %d bytes.",
                            ECS_PASSWORD_BYTES_MAX - 1);
    }
    lower_into(plain, password);
    sentence = similarity(p, plain, own);
    if (is_common(plain)) {
        sentence = "This password is too common.";
    }
    else if (strspn(password, "0123456789") == strlen(password)) {
        sentence = "This password is entirely numeric.";
    }
    explicit_bzero(plain, sizeof(plain));
    return sentence;
}
