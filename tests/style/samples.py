"""Small trees for the self-test: CLEAN breaks no rule, each of SAMPLES adds files that break one.

A row is (name, rule, path, line, files). A rule that starts with "-" says that nothing is to be found: cases that
look wrong and are not.
"""

TOP = "/*\n * A sample,\n * for the self-test.\n */\n"


def c(*lines, top=TOP):
    return top + "\n".join(lines) + "\n"


def function(*body, name="a_run", head="static void"):
    """A file of one function whose body starts in line 7."""
    return c(head, f"{name}(void)", "{", *("\t" + line for line in body), "}").replace("\t\n", "\n")


def header(*lines):
    return c(*lines, top="/* A sample. */\n")


CLEAN = {
    "lib/base/README": "base\n", "lib/base/DEPS": "# nothing\n",
    "lib/base/limits.h": header("#define LIMIT_A 1 /* a thing */"),
    "lib/base/defs.h": header("#define SUSPENDS", "#define FIBER_MAIN"),
    "lib/base/a.c": c('#include "base/limits.h"', "", "int a_limit = LIMIT_A;"),
    "lib/event/README": "event\n", "lib/event/DEPS": "base # below\n",
    "lib/event/e.h": header('#include "base/defs.h"', "", "SUSPENDS int e_wait(int n);", "int e_look(int n);"),
    "lib/event/e.c": c('#include "event/e.h"', "", "SUSPENDS int", "e_wait(int n)", "{", "\treturn n;", "}", "",
                       "int", "e_look(int n)", "{", "\treturn n;", "}"),
    "smtpd/README": "smtpd\n", "smtpd/session.h": header("struct session;"),
    "smtpd/main.c": c('#include "session.h"', "", "int", "main(void)", "{", "\treturn 0;", "}"),
    "lib/conf/params.def": 'P(myhostname, "a.example")\n', "lib/conf/README": "conf\n", "lib/conf/DEPS": "\n",
    "lib/conf/conf.h": header("struct conf;"),
    "man/main.cf.5": ".Dd January 1, 2026\n.Dt MAIN.CF 5\n.Os\n.Sh NAME\n.Nm main.cf\n.Nd a sample\n"
                     ".Sh PARAMETERS\n.Bl -tag -width Ds\n.It Cm myhostname\nA name.\n.El\n",
    "man/module.am": "dist_man_MANS += man/main.cf.5\n",
    "tests/bench/bench.sh": "#!/bin/sh\necho fine\n",
}

EVENT = '#include "event/e.h"'
DEEP = ["if (a_limit)", "\tfor (;;) {", "\t\twhile (a_limit) {", "\t\t\tif (a_limit) {", "\t\t\t\tdo {",
        "\t\t\t\t\ta_limit--;", "\t\t\t\t} while (a_limit);", "\t\t\t}", "\t\t}", "\t}"]

LAYERS = [
    ("a lower layer includes an upper one", "layers", "lib/base/b.c", 5,
     {"lib/base/b.c": c('#include "event/e.h"')}),
    ("a header without its folder", "layers", "lib/event/b.c", 5, {"lib/event/b.c": c('#include "e.h"')}),
    ("angle brackets", "layers", "lib/event/b.c", 5, {"lib/event/b.c": c("#include <base/defs.h>")}),
    ("in a comment", "-layers", "", 0, {"lib/base/b.c": c('/* #include "event/e.h" */', '#include "config.h"')}),
    ("a circle", "layers-order", "lib/base/DEPS", 1, {"lib/base/DEPS": "event\n"}),
    ("an unknown folder", "layers-order", "lib/event/DEPS", 1, {"lib/event/DEPS": "base bass\n"}),
    ("another daemon's header", "layers-daemons", "smtp/a.c", 5,
     {"smtp/README": "smtp\n", "smtp/a.c": c('#include "smtpd/session.h"')}),
    ("a service's header beside its program", "layers-daemons", "smtpd/b.c", 5,
     {"smtpd/b.c": c('#include "in/i.h"'), "smtpd/in/i.h": header("struct i;"), "smtpd/in/README": "in\n",
      "smtpd/in/main.c": c('#include "i.h"')}),
    ("two halves over one header", "-layers-daemons", "", 0,
     {"pop3d/p.h": header("struct p;"), "pop3d/README": "\n", "pop3d/user/README": "\n",
      "pop3d/user/main.c": c('#include "../p.h"')}),
    ("mailboxes are not for smtpd", "layers-daemons", "smtpd/b.c", 5,
     {"smtpd/b.c": c('#include "mailbox/m.h"'), "lib/mailbox/m.h": header("struct m;"), "lib/mailbox/README": "\n",
      "lib/mailbox/DEPS": "\n"}),
]

SIZES = [
    ("801 lines", "file-size", "lib/base/b.c", 801, {"lib/base/b.c": c(*["int a_limit;"] * 797)}),
    ("201 lines", "header-size", "lib/base/b.h", 201, {"lib/base/b.h": header(*["struct b;"] * 200)}),
    ("a long table", "-header-size", "", 0, {"lib/base/b.def": "\n".join(["ROW(a, 1)"] * 900) + "\n"}),
    ("a function in a table", "pure-table", "lib/base/b.def", 2, {"lib/base/b.def": "ROW(a)\nstatic inline int\n"}),
    ("61 lines", "function-size", "lib/base/b.c", 6, {"lib/base/b.c": function(*["a_limit++;"] * 59)}),
    ("60 lines", "-function-size", "", 0, {"lib/base/b.c": function(*["a_limit++;"] * 58)}),
    ("61 lines after a forward brace", "function-size", "lib/base/b.c", 6,
     {"lib/base/b.c": function('a_put("}");', *["a_limit++;"] * 58)}),
    ("5 braces", "nesting", "lib/base/b.c", 13, {"lib/base/b.c": function("a_look();", *DEEP)}),
    ("initializers do not nest", "-nesting", "", 0,
     {"lib/base/b.c": function("struct b v = { { { { 1 } } } };", "", "a_use(&(struct b){ { { 1 } } });")}),
]

CALLS = [
    ("strcpy", "unsafe-calls", "smtpd/b.c", 8, {"smtpd/b.c": function("strcpy(a, b);")}),
    ("system in a test", "unsafe-calls", "tests/unit/b.c", 8, {"tests/unit/b.c": function('system("ls");')}),
    ("in comments, strings, members, longer names", "-unsafe-calls", "", 0,
     {"smtpd/b.c": function('/* strcpy(a) */', 'a_put("gets(x)");', "t->system(1);", "t.gets(1);", "my_gets(1);")}),
    ("malloc", "memory-calls", "smtpd/b.c", 8, {"smtpd/b.c": function("a_put(malloc(1));")}),
    ("free", "memory-calls", "lib/base/b.c", 8, {"lib/base/b.c": function("free(a);")}),
    ("malloc of a library's", "memory-calls", "lib/base/b.c", 8,
     {"lib/base/b.c": function("a = malloc(1); /* foreign */")}),
    ("a library's free, lib/base/mem.c, a test", "-memory-calls", "", 0,
     {"lib/base/b.c": function("free(a); /* foreign */"), "lib/base/mem.c": function("free(a);"),
      "tests/unit/b.c": function("free(a);")}),
    ("rename", "file-calls", "lib/event/b.c", 8, {"lib/event/b.c": function("rename(a, b);")}),
    ("write in a daemon", "file-calls", "smtpd/b.c", 8, {"smtpd/b.c": function("write(1, a, 2);")}),
    ("who may", "-file-calls", "", 0,
     {"lib/base/sys_file.c": function("rename(a, b);"), "lib/event/b.c": function("write(1, a, 2);"),
      "smtpd/b.c": function("send(1, a, 2, 0);", "sys_write(1, a, 2);"), "tests/unit/b.c": function("unlink(a);")}),
    ("OpenSSL in smtpd", "crypto-calls", "smtpd/b.c", 8, {"smtpd/b.c": function("SSL_read(s, a, 1);")}),
    ("who may", "-crypto-calls", "", 0,
     {"lib/event/tls_io.c": function("SSL_read(s, a, 1);"), "tests/bench/b.c": function("EVP_sha256();")}),
]

SHAPE = [
    ("none", "opening-comment", "lib/base/b.c", 1, {"lib/base/b.c": "int b_limit;\n"}),
    ("too short", "opening-comment", "lib/base/b.c", 1, {"lib/base/b.c": "/* b */\nint b_limit;\n"}),
    ("backwards", "goto", "lib/base/b.c", 10,
     {"lib/base/b.c": c("static void", "b_run(void)", "{", "out:", "\tb_look();", "\tgoto out;", "}")}),
    ("another label", "goto", "lib/base/b.c", 8,
     {"lib/base/b.c": c("static void", "b_run(void)", "{", "\tgoto done;", "done:", "\tb_look();", "}")}),
    ("forward to out", "-goto", "", 0,
     {"lib/base/b.c": c("static void", "b_run(void)", "{", "\tgoto out;", "out:", "\tb_look();", "}")}),
    ("itself", "recursion", "lib/base/b.c", 6, {"lib/base/b.c": function("a_run();")}),
    ("through another", "recursion", "lib/base/b.c", 6,
     {"lib/base/b.c": function("b_run();") + "\nstatic void\nb_run(void)\n{\n\ta_run();\n}\n"}),
    ("a member of that name", "-recursion", "", 0, {"lib/base/b.c": function("t->a_run();")}),
    ("return", "macro-jumps", "lib/base/b.c", 5,
     {"lib/base/b.c": c("#define TRY(x) \\", "\tif (x) \\", "\treturn")}),
    ("a function made of a row", "-macro-jumps", "", 0,
     {"lib/base/b.def": "#define GET(x) static int x##_get(void) { return x; }\n",
      "lib/base/b.c": c("#define GET(x)                   \\", "\tstatic int x##_get(void) \\",
                          "\t{                        \\", "\t\treturn x;        \\", "\t}")}),
    ("goto", "macro-jumps", "lib/base/b.h", 2, {"lib/base/b.h": header("#define FAIL goto out")}),
]

TABLE = ["typedef SUSPENDS int e_fn(int n);", "", "struct e {", "\te_fn *run;", "};", ""]
SUSPENDS = [
    ("an unmarked caller", "suspends", "smtpd/b.c", 10,
     {"smtpd/b.c": c(EVENT, "", "static int", "b_run(void)", "{", "\treturn e_wait(1);", "}")}),
    ("a static one in between", "suspends", "smtpd/b.c", 16,
     {"smtpd/b.c": c(EVENT, "", "SUSPENDS static int", "b_in(void)", "{", "\treturn e_wait(1);", "}", "",
                     "static int", "b_run(void)", "{", "\treturn b_in();", "}")}),
    ("through a table", "suspends", "smtpd/b.c", 14,
     {"smtpd/b.c": c(*TABLE, "static int", "b_run(struct e *e)", "{", "\treturn e->run(1);", "}")}),
    ("marked, and another program's name", "-suspends", "", 0,
     {"smtpd/b.c": c(EVENT, "", "SUSPENDS static int", "b_run(void)", "{", "\treturn e_wait(1);", "}", "",
                     "FIBER_MAIN static void", "b_main(void *arg)", "{", "\tb_run();", "}"),
      "smtpd/c.c": c("static int", "b_in(void)", "{", "\treturn b_run();", "}")}),
    ("the header forgets", "suspends-agree", "lib/event/b.c", 8,
     {"lib/event/b.c": c(EVENT, "", "SUSPENDS int", "e_look(int n)", "{", "\treturn n;", "}")}),
    ("the definition forgets", "suspends-agree", "lib/event/b.c", 8,
     {"lib/event/b.c": c(EVENT, "", "int", "e_wait(int n)", "{", "\treturn n;", "}")}),
    ("on the main stack", "suspends-stack", "smtpd/b.c", 16,
     {"smtpd/b.c": c(EVENT, "", "SUSPENDS static void", "b_run(void *arg)", "{", "\te_wait(1);", "}", "",
                     "static void", "b_all(void)", "{", "\ton_main_stack(b_run, NULL);", "}")}),
    ("an unmarked body", "fiber-main", "smtpd/b.c", 16,
     {"smtpd/b.c": c(EVENT, "", "static void", "b_main(void *arg)", "{", "\te_look(1);", "}", "",
                     "static void", "b_all(void)", "{", '\tfiber_spawn("b", b_main, NULL);', "}")}),
    ("a body that is called", "fiber-main", "smtpd/b.c", 16,
     {"smtpd/b.c": c(EVENT, "", "FIBER_MAIN static void", "b_main(void *arg)", "{", "\te_wait(1);", "}", "",
                     "static void", "b_all(void)", "{", "\tb_main(NULL);", "}")}),
]

PAGES = [
    ("a long line", "format", "lib/base/b.c", 5, {"lib/base/b.c": c("int   b_limit;")}),
    ("a parameter without an entry", "manual-parameters", "lib/conf/params.def", 2,
     {"lib/conf/params.def": 'P(myhostname, "a.example")\nP(mydomain, "example")\n'}),
    ("a program without a page", "manual-programs", "tools/module.am", 1,
     {"tools/module.am": "sbin_PROGRAMS += tools/postqueue\n"}),
    ("mandoc's warnings", "manual-lint", "man/a.8", 6,
     {"man/a.8": ".Dd January 1, 2026\n.Dt A 8\n.Os\n.Sh NAME\n.Nm a\n.Xx b\n.Nd a sample\n",
      "man/module.am": "dist_man_MANS += man/main.cf.5 man/a.8\n"}),
    ("a page nobody installs", "manual-installed", "man/main.cf.5", 1, {"man/module.am": "dist_man_MANS +=\n"}),
    ("unfinished work", "words", "smtpd/README", 1, {"smtpd/README": "TO" "DO: all\n"}),
    ("a machine's path", "paths", "smtpd/README", 1, {"smtpd/README": "see /" "work/main\n"}),
    ("an example's home", "-paths", "", 0, {"smtpd/README": "as /home/alice/Maildir\n"}),
    ("at the end of a line", "blanks", "smtpd/README", 1, {"smtpd/README": "smtpd \n"}),
    ("no newline", "blanks", "smtpd/README", 1, {"smtpd/README": "smtpd"}),
    ("blanks in a build file", "tabs", "tools/module.am", 1, {"tools/module.am": "        a = b\n"}),
    ("a shell script", "scripts", "tests/bench/bench.sh", 3, {"tests/bench/bench.sh": "#!/bin/sh\nif true\n"}),
    ("a Python script", "scripts", "tests/bench/b", 2, {"tests/bench/b": "#!/usr/bin/env python3\ndef\n"}),
    ("a folder without README", "folder-papers", "qmgr/README", 1, {"qmgr/main.c": c("int a_limit;")}),
    ("a folder without DEPS", "folder-papers", "lib/ipc/DEPS", 1,
     {"lib/ipc/README": "ipc\n", "lib/ipc/i.c": c("int a_limit;")}),
    ("an unknown limit", "limits", "smtpd/b.c", 8, {"smtpd/b.c": function("a_limit = LIMIT_B;")}),
    ("a limit elsewhere", "limits", "smtpd/b.h", 2, {"smtpd/b.h": header("#define LIMIT_A 1")}),
]

SAMPLES = LAYERS + SIZES + CALLS + SHAPE + SUSPENDS + PAGES
