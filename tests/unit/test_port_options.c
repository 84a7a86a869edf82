/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_port_options.c: the host's command line.
 */
#include "posix/options.c" /* not part of what unit tests are linked with */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define ARGS_MAX 32

static struct options options;
static struct problem problem;

/* Parses the words of `line`, separated by single blanks. */
static enum options_command parse(const char *line) {
    static char words[400];
    char *argv[ARGS_MAX] = {words};
    int argc = 1;
    assert_true(strlen(line) + 2 < sizeof words);
    memset(&options, 0xa5, sizeof options);
    memset(&problem, 0, sizeof problem);
    words[0] = '\0';
    strcpy(words + 1, line);
    for (char *at = words + 1; *at != '\0'; argc++) {
        argv[argc] = at;
        at += strcspn(at, " ");
        if (*at == ' ') {
            *at++ = '\0';
        }
    }
    return options_parse(&options, argc, argv, NULL, &problem);
}

static void expect_bad(const char *line, const char *message) {
    assert_int_equal(parse(line), OPTIONS_BAD);
    assert_int_equal(problem.line_len, strlen(message));
    assert_memory_equal(problem.line, message, problem.line_len);
}

static void defaults(void **state) {
    (void)state;
    assert_int_equal(parse(""), OPTIONS_RUN);
    assert_int_equal(options.port, 8090);
    assert_int_equal(options.port_tls, 8443);
    assert_false(options.disable_tls);
    assert_false(options.disable_http);
    assert_false(options.disable_insecure);
    assert_string_equal(options.cert, "server.crt");
    assert_string_equal(options.key, "server.key");
    assert_false(options.cert_given);
    assert_null(options.ca);
    assert_null(options.client_ca);
    assert_int_equal(options.mtu, 1500);
    assert_string_equal(options.tap, "pingshot0");
    assert_null(options.passt);
    assert_null(options.state);
    assert_false(options.dhcp);
    assert_int_equal(options.address, 0xc0a84c02);
    assert_int_equal(options.netmask, 0xffffff00);
    assert_int_equal(options.gateway, 0xc0a84c01);
    assert_int_equal(options.scraper_timeout_ms, 600000);
    assert_int_equal(options.duplicates, DELIVERY_QUEUE);
    assert_false(options.explicit_timestamps);
    assert_false(options.trust_proxy);
    assert_false(options.alert_events);
}

static void every_option_in_both_spellings(void **state) {
    static const char *const lines[] = {
        "--port 80 --tap t0 --address 10.1.2.3/16 --gateway 10.1.0.9 --mtu 9000 "
        "--explicit-timestamps --scraper-timeout 90s --duplicate-events sum --trust-proxy "
        "--alert-events",
        "--alert-events --trust-proxy --duplicate-events=sum --scraper-timeout=90s --explicit-timestamps "
        "--mtu=9000 --gateway=10.1.0.9 --address=10.1.2.3/16 --tap=t0 --port=80"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(parse(lines[i]), OPTIONS_RUN);
        assert_int_equal(options.port, 80);
        assert_string_equal(options.tap, "t0");
        assert_int_equal(options.address, 0x0a010203);
        assert_int_equal(options.netmask, 0xffff0000);
        assert_int_equal(options.gateway, 0x0a010009);
        assert_int_equal(options.mtu, 9000);
        assert_true(options.explicit_timestamps);
        assert_int_equal(options.scraper_timeout_ms, 90000);
        assert_int_equal(options.duplicates, DELIVERY_SUM);
        assert_true(options.trust_proxy);
        assert_true(options.alert_events);
    }
    assert_int_equal(parse("--passt /tmp/a=b --dhcp"), OPTIONS_RUN);
    assert_string_equal(options.passt, "/tmp/a=b");
    assert_true(options.dhcp);
    assert_int_equal(parse("--passt=/tmp/a=b"), OPTIONS_RUN);
    assert_string_equal(options.passt, "/tmp/a=b");
    assert_int_equal(parse("--state a.state"), OPTIONS_RUN);
    assert_string_equal(options.state, "a.state");
    expect_bad("--state=", "--state: '' is no file's name; say where to keep the state");
    assert_int_equal(parse("--duplicate-events last --duplicate-events queue"), OPTIONS_RUN);
    assert_int_equal(options.duplicates, DELIVERY_QUEUE); /* the last one counts */
}

static void options_of_tls(void **state) {
    (void)state;
    assert_int_equal(parse("--port-tls 443 --cert a.pem --key b.pem --ca c --client-ca d "
                           "--disable-insecure --disable-http"),
                     OPTIONS_RUN);
    assert_int_equal(options.port_tls, 443);
    assert_string_equal(options.cert, "a.pem");
    assert_string_equal(options.key, "b.pem");
    assert_string_equal(options.ca, "c");
    assert_string_equal(options.client_ca, "d");
    assert_true(options.cert_given);
    assert_true(options.disable_insecure);
    assert_true(options.disable_http);
    assert_int_equal(parse("--disable-http --port 8443"), OPTIONS_RUN);
    assert_int_equal(parse("--disable-tls --port 8443"), OPTIONS_RUN);
    expect_bad("--port 8443", "--port and --port-tls are the same; say two different ports");
    expect_bad("--port-tls 0", "--port-tls: '0' is not a port; say a number from 1 to 65535");
    expect_bad("--key=", "--key: '' is no file's name; say that of a PEM file");
    expect_bad("--disable-tls --disable-http",
               "--disable-tls and --disable-http leave nothing; say one of them");
    expect_bad("--disable-tls --ca x",
               "--disable-tls excludes --client-ca, --ca and --disable-insecure");
}

static void help_and_version_come_first(void **state) {
    (void)state;
    assert_int_equal(parse("--help"), OPTIONS_HELP);
    assert_int_equal(parse("--version --nonsense"), OPTIONS_VERSION);
    assert_int_equal(parse("--nonsense --version"), OPTIONS_BAD);
}

static void help_lists_every_option(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_non_null(strstr(options_help, rows[i].name));
    }
}

static void environment_turns_timestamps_on(void **state) {
    char *argv[] = {(char[]){"pingshot"}};
    (void)state;
    options_parse(&options, 1, argv, "true", &problem);
    assert_true(options.explicit_timestamps);
    options_parse(&options, 1, argv, "false", &problem);
    assert_false(options.explicit_timestamps);
    options_parse(&options, 1, argv, "", &problem);
    assert_false(options.explicit_timestamps);
}

static void unknown_and_misused_names(void **state) {
    (void)state;
    expect_bad("--prot 80", "--prot is not an option; --help lists them");
    expect_bad("-p 80", "-p is not an option; --help lists them");
    expect_bad("8090", "8090 is not an option; --help lists them");
    expect_bad("--stat f", "--stat is not an option; --help lists them");
    expect_bad("--port", "--port needs a value; --help says which");
    expect_bad("--dhcp=yes", "--dhcp is a switch; say it without a value");
    expect_bad("--tap a --passt b", "--tap and --passt exclude each other; say one of them");
    expect_bad("--dhcp --address 10.0.0.2/8",
               "--dhcp and --address exclude each other; say one of them");
}

static void what_comes_from_outside_is_shown_printable(void **state) {
    (void)state;
    expect_bad("--a\nb\x1b", "--a?b? is not an option; --help lists them");
}

static void ports_and_mtus(void **state) {
    (void)state;
    assert_int_equal(parse("--port 1"), OPTIONS_RUN);
    assert_int_equal(parse("--port 65535"), OPTIONS_RUN);
    assert_int_equal(options.port, 65535);
    expect_bad("--port 65536", "--port: '65536' is not a port; say a number from 1 to 65535");
    expect_bad("--port 0", "--port: '0' is not a port; say a number from 1 to 65535");
    expect_bad("--port=", "--port: '' is not a port; say a number from 1 to 65535");
    expect_bad("--port 80x", "--port: '80x' is not a port; say a number from 1 to 65535");
    expect_bad("--port -1", "--port: '-1' is not a port; say a number from 1 to 65535");
    assert_int_equal(parse("--mtu 576"), OPTIONS_RUN);
    assert_int_equal(parse("--mtu 9000"), OPTIONS_RUN);
    expect_bad("--mtu 575", "--mtu: '575' is not an MTU; say a number from 576 to 9000");
    expect_bad("--mtu 9001", "--mtu: '9001' is not an MTU; say a number from 576 to 9000");
}

static void tap_names(void **state) {
    (void)state;
    assert_int_equal(parse("--tap 123456789012345"), OPTIONS_RUN);
    expect_bad("--tap 1234567890123456", "--tap: '1234567890123456' cannot be a device's name; say "
                                         "1 to 15 letters, digits, '-' or '_'");
    assert_int_equal(parse("--tap="), OPTIONS_BAD);
    assert_int_equal(parse("--tap a/b"), OPTIONS_BAD);
    assert_int_equal(parse("--tap .."), OPTIONS_BAD);
    assert_int_equal(parse("--tap tap%d"), OPTIONS_BAD); /* the kernel would make up a number */
    assert_int_equal(parse("--tap a:1"), OPTIONS_BAD);
}

static void addresses(void **state) {
    static const char *const bad[] = {"192.168.76.2",      "192.168.76.2/",     "192.168.76.2/0",
                                      "192.168.76.2/31",   "192.168.76/24",     "192.168.76.2.1/24",
                                      "192.168.76.256/24", "192.168..2/24",     "192.168.76.2/2a",
                                      "a.b.c.d/24",        "192.168.76.0/24",   "192.168.76.255/24",
                                      "127.0.0.1/8",       "224.0.0.1/24",      "0.0.0.1/8",
                                      "192.168.76.2./24",  "192.168.76.0002/24"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char line[60] = "--address ";
        strcat(line, bad[i]);
        assert_int_equal(parse(line), OPTIONS_BAD);
        assert_memory_equal(problem.line, "--address: '", 12);
    }
    assert_int_equal(parse("--address 10.0.0.1/30"), OPTIONS_RUN);
    assert_int_equal(options.gateway, 0x0a000002); /* the first is taken by ourselves */
    assert_int_equal(parse("--address 10.0.0.2/30"), OPTIONS_RUN);
    assert_int_equal(options.gateway, 0x0a000001);
    assert_int_equal(options.netmask, 0xfffffffc);
    assert_int_equal(parse("--address 223.255.255.254/1"), OPTIONS_RUN);
    assert_int_equal(options.netmask, 0x80000000);
}

static void gateways(void **state) {
    static const char *const bad[] = {"--gateway 192.168.77.1", "--gateway 192.168.76.2",
                                      "--gateway 192.168.76.0", "--gateway 192.168.76.255",
                                      "--address 10.0.0.2/24 --gateway 192.168.76.1"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        expect_bad(bad[i], "--gateway: say another host's address in the network of --address");
    }
    expect_bad("--gateway 1.2.3", "--gateway: '1.2.3' is not an IPv4 address; say for example "
                                  "192.168.76.1");
    assert_int_equal(parse("--gateway 10.0.0.9 --address 10.0.0.2/24"), OPTIONS_RUN);
    assert_int_equal(options.gateway, 0x0a000009);
    assert_int_equal(parse("--dhcp --gateway 10.0.0.9"), OPTIONS_RUN); /* only the host's address */
}

static void time_servers(void **state) {
    (void)state;
    assert_int_equal(parse("--port 80"), OPTIONS_RUN);
    assert_null(options.sntp);
    assert_int_equal(parse("--sntp 192.168.76.1"), OPTIONS_RUN);
    assert_string_equal(options.sntp, "192.168.76.1");
    assert_int_equal(parse("--sntp=2001:db8::1"), OPTIONS_RUN);
    assert_string_equal(options.sntp, "2001:db8::1");
    assert_int_equal(parse("--sntp dhcp --dhcp"), OPTIONS_RUN);
    assert_string_equal(options.sntp, "dhcp");
    expect_bad("--sntp dhcp", "--sntp dhcp needs --dhcp; say it, or an NTP server's address");
    expect_bad("--sntp pool.ntp.org", "--sntp: 'pool.ntp.org' is not an NTP server's IPv4 or IPv6 "
                                      "address; say one, or dhcp");
    expect_bad("--sntp=",
               "--sntp: '' is not an NTP server's IPv4 or IPv6 address; say one, or dhcp");
}

static void times(void **state) {
    static const struct {
        const char *line;
        uint32_t ms;
    } good[] = {
        {"--scraper-timeout 1", 1000},           {"--scraper-timeout 1ms", 1},
        {"--scraper-timeout 10m", 600000},       {"--scraper-timeout 168h", 604800000},
        {"--scraper-timeout 604800", 604800000}, {"--scraper-timeout=2s", 2000},
    };
    static const char *const bad[] = {
        "0", "0s", "s", "1d", "1.5s", "-1", "169h", "604801", "99999999999999", "1 s", "10M"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(parse(good[i].line), OPTIONS_RUN);
        assert_int_equal(options.scraper_timeout_ms, good[i].ms);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char line[60] = "--scraper-timeout=";
        strcat(line, bad[i]);
        assert_int_equal(parse(line), OPTIONS_BAD);
    }
    expect_bad("--scraper-timeout 1d",
               "--scraper-timeout: '1d' is not a time; say for example 600, 90s or 10m, "
               "at most 168h");
}

static void ways_for_duplicates(void **state) {
    (void)state;
    assert_int_equal(parse("--duplicate-events last"), OPTIONS_RUN);
    assert_int_equal(options.duplicates, DELIVERY_LAST);
    expect_bad("--duplicate-events first",
               "--duplicate-events: 'first' is not a way to treat them; say queue, last or sum");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(every_option_in_both_spellings),
        cmocka_unit_test(options_of_tls),
        cmocka_unit_test(help_and_version_come_first),
        cmocka_unit_test(help_lists_every_option),
        cmocka_unit_test(environment_turns_timestamps_on),
        cmocka_unit_test(unknown_and_misused_names),
        cmocka_unit_test(what_comes_from_outside_is_shown_printable),
        cmocka_unit_test(ports_and_mtus),
        cmocka_unit_test(tap_names),
        cmocka_unit_test(addresses),
        cmocka_unit_test(gateways),
        cmocka_unit_test(time_servers),
        cmocka_unit_test(times),
        cmocka_unit_test(ways_for_duplicates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
