/* source_text.c - running texts: tinyshakespeare, Tang poems, and the user's own file. They are read by eg_text_load.
 *
 * All lie in a folder called text, one file each. */
#include "data/data.h"

static const eg_data_file shakespeare_files[] = {
        {.name = "tinyshakespeare.txt",
                .bytes = 1115394,
                .download = 1115394,
                .sha256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
                .published = "input.txt"},
};

static const char *const shakespeare_urls[] = {
        "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/", NULL};

const eg_source eg_source_tinyshakespeare = {
        .info = {.name = "tinyshakespeare",
                .doc = "40,000 lines from Shakespeare's plays: the text that character "
                       "models are compared on",
                .origin = "Shakespeare; put together by Karpathy for char-rnn, 2015",
                .licence = "public domain",
                .kind = EG_DATA_TEXT,
                .folder = "text",
                .files = shakespeare_files,
                .nfiles = EG_COUNT(shakespeare_files),
                .urls = shakespeare_urls}};

static const eg_data_file tang_files[] = {
        {.name = "tang-poems.txt",
                .bytes = 3294927,
                .sha256 = "0f8c7d51184fe4fc48e22c633d288a8d4b9cb80c38bd1f17c70b7b40f6e10b23",
                .published = "tang-poems.txt"},
};

/* Nobody publishes the poems as one text, so there is no address to fetch them from. */
const eg_source eg_source_tang_poems = {
        .info = {.name = "tang-poems",
                .doc = "21,084 Chinese poems of the Tang dynasty, of one to four lines: a line with "
                       "the title, the verse, an empty line. To be placed by hand: it is made from "
                       "the JSON files of chinese-poetry on GitHub",
                .origin = "chinese-poetry, https://github.com/chinese-poetry/chinese-poetry",
                .licence = "MIT",
                .kind = EG_DATA_TEXT,
                .folder = "text",
                .files = tang_files,
                .nfiles = EG_COUNT(tang_files),
                .by_hand = "nobody publishes it as one text; write the poems of "
                           "https://github.com/chinese-poetry/chinese-poetry into a UTF-8 file "
                           "text/tang-poems.txt (a line with the title, the verse, an empty line) in a "
                           "folder that ENGRAM_DATA names, or take a file of yours with source text"}};

const eg_source eg_source_text = {.info = {.name = "text",
                                          .doc = "your own text in UTF-8: one file, gzipped or not",
                                          .origin = "you",
                                          .licence = "yours",
                                          .kind = EG_DATA_TEXT}};
