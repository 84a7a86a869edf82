/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_accept.c: which exposition format an Accept header gets.
 */
#include "http/accept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void check(const char *accept, bool openmetrics) {
    bool found = accept_prefers_openmetrics((struct slice){accept, (uint32_t)strlen(accept)});
    if (found != openmetrics) {
        print_error("Accept: %s\n", accept);
    }
    assert_int_equal(found, openmetrics);
}

/* What scrapers and people really send. */
static void real_headers(void **state) {
    (void)state;
    /* Prometheus 2.42 */
    check("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
          "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
          true);
    /* Prometheus 3 */
    check("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
          "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;"
          "escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
          true);
    /* Prometheus that was told to prefer text */
    check("text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,"
          "application/openmetrics-text;version=0.0.1;q=0.4,*/*;q=0.1",
          false);
    /* VictoriaMetrics */
    check("text/plain;version=0.0.4;q=1,*/*;q=0.1", false);
    /* curl, a browser, nothing */
    check("*/*", false);
    check("text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8", false);
    check("", false);
}

static void weights(void **state) {
    (void)state;
    check("application/openmetrics-text", true);
    check("application/openmetrics-text;q=0.001", true);
    check("application/openmetrics-text;q=0", false);
    check("application/openmetrics-text;q=0.000", false);
    check("application/openmetrics-text, text/plain", false); /* a tie */
    check("application/openmetrics-text;q=0.5,text/plain;q=0.5", false);
    check("application/openmetrics-text;q=0.5,text/plain;q=0.49", true);
    check("application/openmetrics-text;q=0.501,text/plain;q=0.5", true);
    check("application/openmetrics-text;q=0.5,text/plain;q=0.501", false);
    check("application/openmetrics-text;q=1.000,text/plain;q=0.999", true);
    check("application/openmetrics-text;q=0.9,text/plain;q=1", false);
    check("text/plain;q=0,application/openmetrics-text;q=0.1", true);
    check("application/openmetrics-text;Q=0.1,text/plain;Q=0.2", false);
    /* What is not a weight counts as 0. */
    check("application/openmetrics-text;q=", false);
    check("application/openmetrics-text;q=2", false);
    check("application/openmetrics-text;q=1.001", false);
    check("application/openmetrics-text;q=.5", false);
    check("application/openmetrics-text;q=0.5000", false);
    check("application/openmetrics-text;q=0x1", false);
    check("application/openmetrics-text;q=-1", false);
}

static void wildcards(void **state) {
    (void)state;
    check("*/*;q=0.5,application/openmetrics-text;q=0.4", false);
    check("*/*;q=0.4,application/openmetrics-text;q=0.5", true);
    check("text/*;q=0.6,application/openmetrics-text;q=0.5", false);
    check("TEXT/*;q=0.6,application/openmetrics-text;q=0.5", false);
    check("text/html,application/openmetrics-text;q=0.5", true);
    /* text/plain, where it is named, goes before any wildcard, wherever it stands. */
    check("*/*;q=0.9,text/plain;q=0.1,application/openmetrics-text;q=0.5", true);
    check("text/plain;q=0.1,*/*;q=0.9,application/openmetrics-text;q=0.5", true);
}

static void spelling(void **state) {
    (void)state;
    check("Application/OpenMetrics-Text", true);
    check(" application/openmetrics-text ; version = 1.0.0 ; q = 0.5 , text/plain ; q = 0.4 ",
          true);
    check("application/openmetrics-text;charset=utf-8;version=0.0.1", true);
    check(",,application/openmetrics-text,,", true);
    check("application/openmetrics-text;;version=1.0.0;", true);
    check("application/openmetrics-text;version=\"1.0.0\"", true);
    check("application/openmetrics-textual", false);
    check("application/openmetrics", false);
    /* Versions that are not served. */
    check("application/openmetrics-text;version=2.0.0", false);
    check("application/openmetrics-text;version=2.0.0,application/openmetrics-text;version=1.0.0;"
          "q=0.5",
          true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_headers),
        cmocka_unit_test(weights),
        cmocka_unit_test(wildcards),
        cmocka_unit_test(spelling),
    };
    return cmocka_run_group_tests_name("accept", tests, NULL, NULL);
}
