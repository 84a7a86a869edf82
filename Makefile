# SPDX-License-Identifier: GPL-2.0-or-later
#
# pingshot's build. `make help` lists what can be asked for; everything that is made goes to build/.
#
#     make CC=clang             another compiler, in a directory of its own
#     make OPT=-O0              other optimisation flags
#     make LWIP_DIR=../lwip     own copies of the sources: also WOLFSSL_DIR=, JSMN_DIR=
#     make BOARD=mps2-an385     firmware for a board of board/, see below
#     make unit T=registry      only the unit test test_registry; `make e2e T=scrape`: only tests named so

ifeq ($(origin CC),default)
CC := gcc
endif
OPT    ?= -O2
PYTHON ?= /usr/bin/python3# Debian's, which Debian's Python packages belong to

JSMN_DIR    ?= third_party/jsmn
LWIP_DIR    ?= third_party/lwip
WOLFSSL_DIR ?= third_party/wolfssl

all: $(if $(BOARD),board,host) ## Host build (the default): build/host/pingshot; with BOARD=mps2-an385 that board's firmware

.PHONY: all FORCE
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules
# One job a core for the steps below that run make again, unless -j was given.
JOBS = $(if $(findstring j,$(filter-out --%,$(MAKEFLAGS))),,-j$(shell nproc))

# ---- Where things are ----------------------------------------------------------------------

compiler  := $(notdir $(firstword $(CC)))
HOST      := build/host$(if $(filter-out gcc cc,$(compiler)),-$(compiler))
UNIT      := build/unit$(if $(filter-out gcc cc,$(compiler)),-$(compiler))
FUZZ      := build/fuzz

app_src   := $(wildcard app/*.c app/*/*.c)
port_src  := $(wildcard port/*.c)
posix_src := $(wildcard port/posix/*.c)
mcu_src   := $(wildcard port/cortex-m/*.c)
small_src := $(wildcard port/cortex-m/small/*.c)
our_src   := $(app_src) $(port_src) $(posix_src)
our_c     := $(wildcard app/*.[ch] app/*/*.[ch] port/*.[ch] port/*/*.[ch] port/*/*/*.[ch] board/*.h board/*/*.[ch] tests/unit/*.[ch] tests/fuzz/*.[ch] tests/sim/*.[ch] tests/e2e/*.[ch])
our_sh    := .ci/run $(wildcard third_party/*.sh port/*/*.sh tests/*.sh tests/*/*.sh)

# lwIP names its own files; none of its threads, sockets, PPP or bridging is wanted.
LWIPDIR := $(LWIP_DIR)/src
needs_no_lists := help clean distclean run fuzz test test-fast test-bars e2e bench check-boards readme lint format packages sources tools
ifneq ($(filter-out $(needs_no_lists),$(or $(MAKECMDGOALS),all)),)
ifeq ($(or $(filter third_party/lwip,$(LWIP_DIR)),$(wildcard $(LWIPDIR)/Filelists.mk)),)
$(error LWIP_DIR=$(LWIP_DIR) holds no lwIP: it needs src/Filelists.mk)
endif
include $(LWIPDIR)/Filelists.mk
endif
lwip_src := $(COREFILES) $(CORE4FILES) $(CORE6FILES) $(SNTPFILES) $(MDNSFILES) $(LWIPDIR)/netif/ethernet.c

# Of wolfSSL what TLS 1.2 and 1.3, their ciphers, keys and certificates need: each line's files
# are used by something on the lines above. The assembly is for x86-64, the host's processor, or
# for the Thumb-2 of boards, which have but one suite (CFG_TLS_SMALL).
wolfssl_tls    := $(addprefix $(WOLFSSL_DIR)/src/,ssl.c internal.c tls.c tls13.c keys.c wolfio.c)
wolfssl_common := aes.c hash.c random.c logging.c wc_port.c
wolfssl_host   := asn.c coding.c signature.c chacha.c poly1305.c chacha20_poly1305.c sha256.c sha512.c fe_operations.c rsa.c \
        hmac.c kdf.c curve25519.c ecc.c sp_int.c wolfmath.c sp_c64.c sp_x86_64.c wc_encrypt.c memory.c error.c cpuid.c
wolfssl_x86_64 := aes_asm.S aes_gcm_asm.S chacha_asm.S poly1305_asm.S sha256_asm.S sha512_asm.S \
        sp_x86_64_asm.S fe_x25519_asm.S
wolfssl_thumb  := $(addprefix port/arm/,armv8-sha256.c thumb2-curve25519.S)
wolfssl_fast   := $(addprefix $(WOLFSSL_DIR)/wolfcrypt/src/port/arm/,armv8-aes.c thumb2-aes-asm.S thumb2-sha256-asm.S)
wolfssl_src    := $(wolfssl_tls) $(addprefix $(WOLFSSL_DIR)/wolfcrypt/src/,$(wolfssl_common) \
    $(if $(BOARD),$(wolfssl_thumb),$(wolfssl_host) $(if $(findstring x86_64,$(shell $(CC) -dumpmachine)),$(wolfssl_x86_64))))

# ---- Flags ---------------------------------------------------------------------------------
#
# Each layer sees only what it may include. A target's limits.h, its capacities, is read first in
# every file by -include. A search path to it would not do: gcc's own <limits.h> goes through
# #include_next, which would find ours (even behind -iquote) in place of the C library's.

warnings := -Wall -Wextra -Werror -Wconversion -Wshadow -Wundef -Wmissing-prototypes \
    -Wstrict-prototypes -Wold-style-definition -Wvla -Wwrite-strings -Wcast-qual -Wcast-align \
    -Wpointer-arith -Wformat=2 -Wimplicit-fallthrough -Wnull-dereference \
    -Wdouble-promotion -fno-common

# -MD, not -MMD: lwipopts.h, reached through a header of lwIP's, would else count as a system's.
common_flags := -std=c11 -g -MD -MP -ffunction-sections -fdata-sections
our_flags     = $(common_flags) $(warnings)
their_flags   = $(common_flags) -w

app_includes   := -iquote app -isystem $(JSMN_DIR)
lwip_includes  := -I port/lwip -isystem $(LWIP_DIR)/src/include
tls_includes   := -DWOLFSSL_USER_SETTINGS -iquote port -I port/wolfssl -isystem $(WOLFSSL_DIR)
port_includes  := -iquote port -iquote app $(lwip_includes) $(tls_includes)
posix_includes := -D_GNU_SOURCE $(port_includes)

host_limits := -include port/posix/limits.h
unit_limits := -include tests/unit/limits.h
sanitize    := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

# ---- Rules for one target's objects: $(call objects,DIRECTORY,LIMITS,EXTRA FLAGS) ------------
#
# An object is remade when its source, a header, its flags or this file change.

define objects
$(1)/app/%.o: app/%.c $(1)/flags Makefile $(jsmn_stamp)
	@mkdir -p $$(@D)
	@echo "  CC    $$@"
	@$$(CC) $$(our_flags) $(3) $$(app_includes) $(2) -c -o $$@ $$<

$(1)/port/%.o: port/%.c $(1)/flags Makefile $(lwip_stamp) $(wolfssl_stamp)
	@mkdir -p $$(@D)
	@echo "  CC    $$@"
	@$$(CC) $$(our_flags) $(3) $$(port_includes) $(2) -c -o $$@ $$<

$(1)/port/posix/%.o: port/posix/%.c $(1)/flags Makefile $(lwip_stamp) $(wolfssl_stamp)
	@mkdir -p $$(@D)
	@echo "  CC    $$@"
	@$$(CC) $$(our_flags) $(3) $$(posix_includes) $(2) -c -o $$@ $$<

$(1)/lwip/%.o: $(LWIP_DIR)/%.c $(1)/flags Makefile $(lwip_stamp)
	@mkdir -p $$(@D)
	@echo "  CC    $$@"
	@$$(CC) $$(their_flags) $(filter-out -fsanitize=% -fno-sanitize%,$(3)) $(findstring -fsanitize=address,$(3)) \
	    -iquote app $$(lwip_includes) $(2) -c -o $$@ $$<

$(1)/wolfssl/%.o: $(WOLFSSL_DIR)/%.c $(1)/flags Makefile $(wolfssl_stamp)
	@mkdir -p $$(@D)
	@echo "  CC    $$@"
	@$$(CC) $$(their_flags) -std=gnu11 $(filter-out -fsanitize=% -fno-sanitize%,$(3)) $(findstring -fsanitize=address,$(3)) \
	    $(findstring -fsanitize=fuzzer-no-link,$(3)) $$(tls_includes) $(2) -c -o $$@ $$<

$(1)/wolfssl/%.o: $(WOLFSSL_DIR)/%.S $(1)/flags Makefile $(wolfssl_stamp)
	@mkdir -p $$(@D)
	@echo "  AS    $$@"
	@$$(CC) -g -MD -MP $(filter -m%,$(3)) $$(tls_includes) $(2) -include port/wolfssl/user_settings.h -c -o $$@ $$<

# Its intrinsics are used where the processor has them, which it asks itself.
$(1)/wolfssl/wolfcrypt/src/aes.o: private their_flags += $(if $(filter %/aes_asm.S,$(wolfssl_src)),-maes -mpclmul)

# Looked at each time, written only when the flags have changed.
$(1)/flags: FORCE
	@mkdir -p $$(@D)
	@echo '$$(shell $$(CC) --version | head -n 1) $$(our_flags) $(3) $(2) $(JSMN_DIR) $(LWIP_DIR) $(WOLFSSL_DIR)' >$$@.new
	@if cmp -s $$@.new $$@; then rm $$@.new; else mv $$@.new $$@; fi
endef

# A copy of one's own has no stamp and is never fetched.
jsmn_stamp    := $(filter third_party/jsmn/.fetched,$(JSMN_DIR)/.fetched)
lwip_stamp    := $(filter third_party/lwip/.fetched,$(LWIP_DIR)/.fetched)
wolfssl_stamp := $(filter third_party/wolfssl/.fetched,$(WOLFSSL_DIR)/.fetched)

# in DIRECTORY: the objects of a list of sources
in = $(patsubst $(WOLFSSL_DIR)/%,$(1)/wolfssl/%.o,$(basename $(filter $(WOLFSSL_DIR)/%,$(2)))) \
    $(patsubst $(LWIP_DIR)/%.c,$(1)/lwip/%.o,$(patsubst app/%.c,$(1)/app/%.o,$(patsubst port/%.c,$(1)/port/%.o,$(filter-out $(WOLFSSL_DIR)/%,$(2)))))

# ---- Host ----------------------------------------------------------------------------------

$(eval $(call objects,$(HOST),$(host_limits),$(OPT)))

host_objects := $(call in,$(HOST),$(our_src) $(lwip_src) $(wolfssl_src))

.PHONY: host
host: $(HOST)/pingshot

$(HOST)/pingshot: $(host_objects)
	@echo "  LD    $@"
	@$(CC) $(OPT) -g -Wl,--gc-sections -Wl,-Map=$@.map -o $@ $^

run: ## Set up, build, and run the host target: on a TAP with privilege, else over passt (ARGS="--port 9000": its options)
	@third_party/packages.sh build run
	@$(MAKE) $(JOBS) --no-print-directory all
	@exec port/posix/run.sh

ifeq ($(BOARD),)
size: $(HOST)/pingshot ## Sizes of the host build; with BOARD= flash and RAM by component, and the stack
	@size $<
	@echo; size $(call in,$(HOST),$(our_src)) | sort -rn -k4 | head -n 20
endif

# ---- Boards ----------------------------------------------------------------------------------
#
#     make BOARD=mps2-an385 [ADDRESS=192.168.76.2/24 GATEWAY=192.168.76.1] [NTP=192.168.76.1]
#         [CERT=server.crt KEY=server.key]
#
# A board is a folder board/NAME; its board.mk says what is special about it:
#
#     BOARD_CPU     the compiler's flags for its processor
#     BOARD_OPT     how to optimise: -O2, or -Os where flash is short
#     BOARD_SMALL   1: AES and SHA-256 of port/cortex-m/small in place of wolfSSL's assembly, and its division
#                   of 64 bits in place of the compiler's; only for a processor without a cache
#     BOARD_SRC     its sources, in its folder (../NAME/FILE: another board's)
#     BOARD_QEMU    QEMU's name of the machine, if it has one
#     BOARD_SEED    where in RAM 40 bytes of seed for its randomness may be put before it starts, if it
#                   has none of its own (port/cortex-m/seed.h)
#     BOARD_OPENOCD OpenOCD's configuration of its debug probe and chip, if it has a probe
#
# What make was given (config.sh) is known to main.c only, so VARIANT=name builds an image of
# another configuration in build/BOARD/name and shares all other objects.

boards := $(filter-out template,$(patsubst board/%/board.mk,%,$(wildcard board/*/board.mk)))

ifneq ($(BOARD),)
ifeq ($(wildcard board/$(BOARD)/board.mk),)
$(error BOARD=$(BOARD): there is no board/$(BOARD)/board.mk; there are: $(boards))
endif
include board/$(BOARD)/board.mk

CC        := arm-none-eabi-gcc
MCU       := build/$(BOARD)
IMAGE     := $(MCU)$(VARIANT:%=/%)
board_dir := board/$(BOARD)
mcu_flags := --specs=picolibc.specs $(BOARD_CPU) $(BOARD_OPT) $(BOARD_SEED:%=-DBOARD_SEED=%u) $(if $(BOARD_SMALL),-DGCM_SMALL) -fstack-usage -fconserve-stack

export ADDRESS GATEWAY NTP PORT PORT_TLS DISABLE_HTTP DISABLE_TLS CERT KEY
export EXPLICIT_TIMESTAMPS DUPLICATE_EVENTS SCRAPER_TIMEOUT TRUST_PROXY ALERT_EVENTS

$(eval $(call objects,$(MCU),-include $(board_dir)/limits.h,$(mcu_flags)))

$(MCU)/wolfssl/%.o: private their_flags += -include port/wolfssl/gcm_table.h -include port/wolfssl/replaced.h

$(MCU)/port/cortex-m/%.o: port/cortex-m/%.c $(MCU)/flags Makefile $(lwip_stamp)
	@mkdir -p $(@D)
	@echo "  CC    $@"
	@$(CC) $(our_flags) $(mcu_flags) -iquote board $(port_includes) -iquote port/cortex-m -include $(board_dir)/limits.h -c -o $@ $<

$(MCU)/port/cortex-m/%.o: port/cortex-m/%.S $(MCU)/flags Makefile
	@mkdir -p $(@D)
	@echo "  AS    $@"
	@$(CC) $(BOARD_CPU) -g -MD -MP -iquote port/cortex-m -c -o $@ $<

$(IMAGE)/main.o: port/cortex-m/main.c $(IMAGE)/board_config.h $(MCU)/flags Makefile $(lwip_stamp)
	@mkdir -p $(@D)
	@echo "  CC    $@"
	@$(CC) $(our_flags) $(mcu_flags) -iquote board -iquote $(IMAGE) $(port_includes) -include $(board_dir)/limits.h -c -o $@ $<

# lwIP only in a MAC's driver.
$(MCU)/board/%.o: board/%.c $(MCU)/flags Makefile $(lwip_stamp)
	@mkdir -p $(@D)
	@echo "  CC    $@"
	@$(CC) $(our_flags) $(mcu_flags) -iquote board $(if $(findstring /netif_,$<),-iquote app -iquote port $(lwip_includes)) \
	    -include $(board_dir)/limits.h -c -o $@ $<

# The certificate and its key.
$(IMAGE)/tls/certificate.o: $(IMAGE)/tls/certificate.S $(MCU)/flags Makefile
	@echo "  AS    $@"
	@$(CC) $(filter -m%,$(mcu_flags)) -c -o $@ $<

# What make was given, all of it checked before any of it is written.
chain_bytes_max = $(shell echo CFG_TLS_CHAIN_BYTES_MAX | \
    $(CC) -x assembler-with-cpp -E -P -include $(board_dir)/limits.h -include port/wolfssl/user_settings.h - | tail -n 1)
$(IMAGE)/board_config.h: FORCE
	@mkdir -p $(@D)
	@port/cortex-m/config.sh $(BOARD) $@ port/cortex-m/certificate.sh $(@D)/tls '$(chain_bytes_max)'

$(IMAGE)/tls/certificate.S: $(IMAGE)/board_config.h FORCE
	@:

board_src     := $(foreach file,$(BOARD_SRC),$(if $(filter ../%,$(file)),$(patsubst ../%,board/%,$(file)),$(board_dir)/$(file)))
board_objects := $(call in,$(MCU),$(app_src) $(port_src) $(filter-out %/main.c,$(mcu_src)) $(lwip_src) $(wolfssl_src) \
    $(if $(BOARD_SMALL),$(small_src),$(wolfssl_fast))) \
    $(patsubst %.S,$(MCU)/%.o,$(wildcard port/cortex-m/*.S $(if $(BOARD_SMALL),port/cortex-m/small/*.S))) $(board_src:%.c=$(MCU)/%.o) $(IMAGE)/tls/certificate.o $(IMAGE)/main.o

# --emit-relocs tells tests/size where the address of a function is taken; --sort-section leaves no gaps.
link_board = $(CC) $(mcu_flags) -g -nostartfiles -Wl,--gc-sections -Wl,-u,faults_reset -Wl,-Map=$(@:.elf=.map) -Wl,--fatal-warnings \
    -Wl,--emit-relocs -Wl,--no-warn-rwx-segments -Wl,--sort-section=alignment -T $(board_dir)/link.ld -o $@ $(filter %.o,$^)

.PHONY: board
board: $(IMAGE)/pingshot.elf $(IMAGE)/pingshot.bin

$(IMAGE)/pingshot.elf: $(board_objects) $(wildcard board/*/link.ld) port/cortex-m/sections.ld
	@echo "  LD    $@"
	@$(link_board)
	@arm-none-eabi-size $@

%.bin: %.elf
	@arm-none-eabi-objcopy -O binary $< $@

size: $(IMAGE)/pingshot.elf
	@$(PYTHON) tests/size/report.py $<

# The floor that make bench compares a scrape with: a fixed page, through the same objects.
$(IMAGE)/bare.o: tests/bench/board_bare.c $(IMAGE)/page.http $(IMAGE)/board_config.h $(MCU)/flags Makefile
	@echo "  CC    $@"
	@$(CC) $(our_flags) $(mcu_flags) -iquote board -iquote port/cortex-m -iquote $(IMAGE) $(port_includes) \
	    -DPAGE='"$(IMAGE)/page.http"' -include $(board_dir)/limits.h -c -o $@ $<

$(IMAGE)/bare.elf: $(filter-out $(IMAGE)/main.o,$(board_objects)) $(IMAGE)/bare.o $(wildcard board/*/link.ld) port/cortex-m/sections.ld
	@echo "  LD    $@"
	@$(link_board)

qemu: ## With BOARD=: set up, build, and run it in QEMU at http://127.0.0.1:8090 and https://127.0.0.1:8443
	$(if $(BOARD_QEMU),,$(error BOARD=$(BOARD): QEMU has no such machine, its board.mk says no BOARD_QEMU))
	@third_party/packages.sh build board
	@$(MAKE) $(JOBS) --no-print-directory board
	@exec port/cortex-m/qemu.sh $(IMAGE)/pingshot.elf $(BOARD_QEMU) $(BOARD_SEED)

flash: ## With BOARD=: build, and write it to a real board with OpenOCD (untried so far)
	$(if $(BOARD_OPENOCD),,$(error BOARD=$(BOARD): no debug probe is known, its board.mk says no BOARD_OPENOCD))
	@command -v openocd >/dev/null || { echo 'make: OpenOCD is missing: apt-get install openocd' >&2; exit 2; }
	@$(MAKE) $(JOBS) --no-print-directory board
	$(if $(BOARD_SEED),@port/cortex-m/seed.sh $(IMAGE)/pingshot.seed)
	openocd -f $(BOARD_OPENOCD) -c 'program $(IMAGE)/pingshot.elf verify' -c 'reset halt' \
	    $(BOARD_SEED:%=-c 'load_image $(IMAGE)/pingshot.seed % bin') -c resume -c shutdown
	$(BOARD_SEED:%=@rm -f $(IMAGE)/pingshot.seed)
else
qemu flash:
	$(error $@: for which board? Give BOARD=, one of: $(boards))
endif

# ---- Unit tests ----------------------------------------------------------------------------
#
# Each tests/unit/test_*.c is a program, linked with all of app/ under sanitizers. Those named
# test_port_* and test_net_* also get lwIP and port/. The other files there are shared helpers.

$(eval $(call objects,$(UNIT),$(unit_limits),-O1 $(sanitize)))

unit_tests   := $(patsubst tests/unit/%.c,$(UNIT)/%,$(wildcard tests/unit/test_$(or $(T),*).c))
unit_helpers := $(patsubst %.c,$(UNIT)/%.o,$(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c)))
net_tests    := $(filter $(UNIT)/test_port_% $(UNIT)/test_net_%,$(unit_tests))
net_helpers  := $(filter %_net.o %_port.o %_lwip.o,$(unit_helpers))

$(UNIT)/tests/unit/%.o: tests/unit/%.c $(UNIT)/flags Makefile $(jsmn_stamp) $(lwip_stamp)
	@mkdir -p $(@D)
	@echo "  CC    $@"
	@$(CC) $(our_flags) -O1 $(sanitize) -D_GNU_SOURCE $(unit_limits) \
	    -iquote board $(port_includes) -isystem $(JSMN_DIR) -c -o $@ $<

$(UNIT)/libapp.a: $(call in,$(UNIT),$(app_src))
$(UNIT)/libnet.a: $(call in,$(UNIT),$(port_src) $(lwip_src) $(wolfssl_src))
$(UNIT)/%.a:
	@echo "  AR    $@"
	@rm -f $@ && $(AR) rcs $@ $^

$(net_tests): $(UNIT)/libnet.a $(net_helpers)
$(UNIT)/test_%: $(UNIT)/tests/unit/test_%.o $(UNIT)/libapp.a $(filter-out $(net_helpers),$(unit_helpers))
	@echo "  LD    $@"
	@$(CC) $(sanitize) -g -Wl,--gc-sections -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lcmocka -lm

.SECONDARY:

unit: $(unit_tests) ## Unit tests, under AddressSanitizer and UndefinedBehaviorSanitizer
	@tests/run_unit.sh $(unit_tests)

# ---- Model ---------------------------------------------------------------------------------

model: ## Search the model of delivery with spin (T=word: only the searches whose name has it)
	@CC='$(CC)' tests/model/run.sh $(T)

# ---- Fuzzing -------------------------------------------------------------------------------
#
# Each tests/fuzz/fuzz_*.c is a libFuzzer target, so clang builds it. It starts from the kept
# corpus in tests/fuzz/corpus/NAME; what it finds beyond that goes to build/fuzz/corpus/NAME.

FUZZ_S ?= 600# seconds for each target

$(eval $(call objects,$(FUZZ),$(unit_limits),-O1 $(sanitize) -fsanitize=fuzzer-no-link))

fuzz_targets := $(patsubst tests/fuzz/%.c,$(FUZZ)/%,$(wildcard tests/fuzz/fuzz_$(or $(T),*).c))

$(FUZZ)/libapp.a: $(call in,$(FUZZ),$(app_src))
$(FUZZ)/libnet.a: $(call in,$(FUZZ),$(port_src) $(lwip_src) $(wolfssl_src))
$(FUZZ)/%.a:
	@echo "  AR    $@"
	@rm -f $@ && $(AR) rcs $@ $^

$(FUZZ)/fuzz_%: tests/fuzz/fuzz_%.c $(FUZZ)/libapp.a $(FUZZ)/libnet.a
	@echo "  LD    $@"
	@$(CC) $(our_flags) -MF $@.d -O1 $(sanitize) -fsanitize=fuzzer -D_GNU_SOURCE $(unit_limits) -iquote tests/unit \
	    $(port_includes) -Wl,--gc-sections -o $@ $(filter %.c %.o,$^) \
	    -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lcmocka $(fuzz_libraries)

$(FUZZ)/fuzz_json_verdict: private fuzz_libraries := -ljansson
$(FUZZ)/fuzz_json_verdict: $(FUZZ)/tests/fuzz/independent_json.o
$(FUZZ)/fuzz_http: $(FUZZ)/tests/unit/fake_transport.o
$(FUZZ)/tests/%.o: tests/%.c $(FUZZ)/flags Makefile
	@mkdir -p $(@D)
	@echo "  CC    $@"
	@$(CC) $(our_flags) -O1 $(sanitize) -fsanitize=fuzzer-no-link $(unit_limits) -iquote app -c -o $@ $<

fuzz: ## Fuzz each target for FUZZ_S seconds (T=word: only fuzz_word)
	@$(MAKE) $(JOBS) --no-print-directory fuzz-build CC=clang
	@tests/fuzz/run.sh $(FUZZ_S) $(fuzz_targets)

fuzz-build: $(fuzz_targets)

# ---- The simulator -------------------------------------------------------------------------
#
# tests/sim: the server and its clients as shared objects, each with an lwIP of its own, in a world
# of simulated time. Two builds of the server: with small tables, and with tiny ones.

SIM   := build/sim
SEEDS ?= 2000

$(eval $(call objects,$(SIM)/roomy,-include tests/sim/limits_roomy.h,-O2 -fPIC -fvisibility=hidden))
$(eval $(call objects,$(SIM)/tiny,-include tests/sim/limits_tiny.h,-O2 -fPIC -fvisibility=hidden))

define sim_glue
$(SIM)/$(1)/tests/%.o: tests/sim/%.c $(SIM)/$(1)/flags Makefile $(lwip_stamp) $(wolfssl_stamp)
	@mkdir -p $$(@D)
	@echo "  CC    $$@"
	@$$(CC) $$(our_flags) -D_GNU_SOURCE -O2 -fPIC -fvisibility=hidden $$(port_includes) -isystem $(JSMN_DIR) \
	    -include tests/sim/limits_$(1).h -c -o $$@ $$<
endef
$(foreach size,roomy tiny,$(eval $(call sim_glue,$(size))))

# Objects that nothing reaches are left out.
link_sim_flags := -shared -g -Wl,-Bsymbolic -Wl,--gc-sections -Wl,-z,now -Wl,-z,relro -Wl,-z,noexecstack -Wl,--no-undefined
link_sim = $(CC) $(link_sim_flags) -o $@ $(filter %.o,$^) $(filter %.a,$^)

$(SIM)/roomy/libpingshot.a: $(call in,$(SIM)/roomy,$(app_src) $(port_src) port/posix/tls_self_signed.c $(lwip_src) $(wolfssl_src))
$(SIM)/tiny/libpingshot.a: $(call in,$(SIM)/tiny,$(app_src) $(port_src) $(lwip_src) $(wolfssl_src))
$(SIM)/%.a:
	@echo "  AR    $@"
	@rm -f $@ && $(AR) rcs $@ $^

$(SIM)/server-roomy.so $(SIM)/server-tiny.so: $(SIM)/server-%.so: $(SIM)/%/tests/server.o $(SIM)/%/tests/glue.o $(SIM)/%/libpingshot.a
	@echo "  LD    $@"
	@$(link_sim)

$(SIM)/peer.so: $(addprefix $(SIM)/roomy/tests/,peer.o peer_tls.o glue.o) $(SIM)/roomy/libpingshot.a
	@echo "  LD    $@"
	@$(link_sim)

$(SIM)/sim: $(patsubst tests/sim/%.c,$(SIM)/tests/%.o,$(filter-out $(addprefix tests/sim/,server.c peer.c peer_tls.c glue.c),$(wildcard tests/sim/*.c)))
	@echo "  LD    $@"
	@$(CC) -g -o $@ $^ -lm

$(SIM)/tests/%.o: tests/sim/%.c $(SIM)/roomy/flags Makefile
	@mkdir -p $(@D)
	@echo "  CC    $@"
	@$(CC) $(our_flags) -D_GNU_SOURCE -O2 -c -o $@ $<

sim_machines := $(addprefix $(SIM)/,server-roomy.so server-tiny.so peer.so)

sim-build: $(SIM)/sim $(sim_machines)

sim: ## A simulated world of resets and bad networks: SEEDS=2000, or SEED=17 TRACE=1
	@$(MAKE) $(JOBS) --no-print-directory sim-build
	@$(SIM)/sim $(SIM) $(if $(SEED),SEED=$(SEED) TRACE=$(TRACE),SEEDS=$(SEEDS))

# Bugs put in on purpose, one object each, that it must find.
sim-mutants: ## The simulator finds the bugs it is there for
	@$(MAKE) $(JOBS) --no-print-directory sim-build
	@$(PYTHON) tests/sim/mutants.py --sim $(SIM) \
	    --compile '$(CC) $(our_flags) -O2 -fPIC -fvisibility=hidden -Wno-unused-function $(app_includes) -include tests/sim/limits_roomy.h -c' \
	    --link '$(CC) $(link_sim_flags) @MUTANT@ $(SIM)/roomy/tests/server.o $(SIM)/roomy/tests/glue.o $(SIM)/roomy/libpingshot.a' $(T)

# The same seeds give the same trace, byte for byte.
test-sim: ## Simulator: the same again, its mutants, 2,000 seeds
	@$(MAKE) $(JOBS) --no-print-directory sim-build
	@test "$$($(SIM)/sim $(SIM) SEEDS=60)" = "$$($(SIM)/sim $(SIM) SEEDS=60)" || \
	    { echo 'sim: the same seeds went differently the second time' >&2; exit 1; }
	@$(MAKE) --no-print-directory sim-mutants
	@$(MAKE) --no-print-directory sim

# ---- Tests of the whole --------------------------------------------------------------------

# README.md is looked at once more when all that boards' stacks are painted for has run.
test: ## Set up, then every test
	@third_party/packages.sh build run board test lint
	@$(MAKE) $(JOBS) --no-print-directory all
	@$(MAKE) $(JOBS) --no-print-directory all CC=clang
	@$(MAKE) $(JOBS) --no-print-directory check-layers
	@$(MAKE) $(JOBS) --no-print-directory lint
	@$(MAKE) $(JOBS) --no-print-directory unit
	@$(MAKE) --no-print-directory model
	@$(MAKE) $(JOBS) --no-print-directory test-sim
	@$(MAKE) $(JOBS) --no-print-directory check-boards
	@$(MAKE) $(JOBS) --no-print-directory fuzz FUZZ_S=10
	@$(MAKE) $(JOBS) --no-print-directory test-boards
	@$(MAKE) --no-print-directory test-bars
	@$(MAKE) $(JOBS) --no-print-directory e2e TARGET=all
	@$(PYTHON) -m pytest tests/size/test_readme.py -q

test-fast: ## The everyday tests, about a minute: build, layers, unit tests, the quicker end-to-end tests
	@$(MAKE) $(JOBS) --no-print-directory all check-layers
	@$(MAKE) $(JOBS) --no-print-directory unit
	@third_party/tools.sh
	@$(e2e) -q --target host -m 'not slow'

# What the end-to-end tests load a target with.
build/e2e/connections: tests/e2e/connections.c Makefile
	@mkdir -p $(@D)
	@echo "  CC    $@"
	@$(CC) -std=c11 -D_GNU_SOURCE -O2 $(warnings) -o $@ $<

# Most of these tests wait for something most of the time, so they are shared out to more workers
# than there are cores.
e2e = $(PYTHON) -m pytest tests/e2e -n $(shell expr 4 '*' $$(nproc)) --dist loadgroup

all_boards := $(patsubst board/%/board.mk,%,$(filter-out board/template/%,$(wildcard board/*/board.mk)))
e2e_boards = $(if $(filter all,$(TARGET)),$(all_boards),$(filter-out host,$(TARGET)))

e2e: ## End-to-end tests against real programs (TARGET=mps2-an385: in QEMU, TARGET=all; SCHEME=https; T=word: only those whose name has it)
	@$(MAKE) $(JOBS) --no-print-directory $(if $(filter-out host all,$(TARGET)),,all) build/e2e/connections
	@set -e; for board in $(e2e_boards); do $(MAKE) $(JOBS) --no-print-directory all BOARD=$$board; done
	@third_party/tools.sh
	@$(e2e) $(if $(TARGET),--target $(TARGET)) $(if $(SCHEME),--scheme $(SCHEME)) $(if $(T),-k '$(T)')

test-boards: ## What is special about boards: what they are built with, how one is added (T=word)
	@$(PYTHON) -m pytest tests/board -q $(if $(T),-k '$(T)')

# Instructions, not seconds: what else this machine does changes none of them.
test-bars: ## What requests cost boards in instructions, against their bars
	@$(PYTHON) tests/bench/servers.py
	@set -e; for board in mps2-an385 lm3s6965evb; do $(PYTHON) tests/bench/board.py $$board --bars; done

bench: ## Speed and memory, as ratios to a peer measured in the same run; with BOARD= instructions a request
ifeq ($(BOARD),)
	@third_party/packages.sh build bench
	@$(MAKE) $(JOBS) --no-print-directory all
	@tests/bench/run.sh
else
	@third_party/packages.sh build board bench
	@$(PYTHON) tests/bench/board.py $(BOARD) $(ARGS)
endif

check-layers: $(call in,$(HOST),$(app_src) $(port_src)) ## What each layer includes, exports and calls
	@$(PYTHON) tests/check_layers.py --cc '$(CC)' --objects $(HOST) --jsmn $(JSMN_DIR) \
	    --app='-std=c11 $(app_includes) $(host_limits)' \
	    --port='-std=c11 $(port_includes) $(host_limits)'

check-boards: ## What the boards' images are made of, and that their stacks are deep enough
	@$(PYTHON) -m pytest tests/size -q

readme: ## Write the sizes of the boards' images into README.md
	@$(PYTHON) tests/size/readme.py

# ---- Code in good order --------------------------------------------------------------------

lint: ## clang-format, clang-tidy, cppcheck and shellcheck over our code
	@third_party/packages.sh build board lint
	@$(MAKE) $(JOBS) --no-print-directory lint-format lint-tidy lint-cppcheck lint-shell

lint-format:
	@echo "  clang-format"
	@status=0; for file in $(our_c); do clang-format "$$file" | cmp -s - "$$file" || \
	    { echo "$$file: not laid out as .clang-format says: make format"; status=1; }; done; exit $$status

# One file at a time, and only those whose object has been remade since.
# Boards' code is read for their processor, with the sizes of the board that it belongs to.
board_c := $(wildcard board/*/*.c)
lint-tidy: $(patsubst %.c,build/lint/%.tidy,$(our_src) $(mcu_src) $(small_src) $(board_c))
build/lint/port/cortex-m/%.tidy: port/cortex-m/%.c $(wildcard port/cortex-m/*.h) board/board_api.h build/lint/board_config.h .clang-tidy
	@mkdir -p $(@D)
	@echo "  clang-tidy $<"
	@clang-tidy --quiet $< -- $(mcu_tidy) $(port_includes) -iquote build/lint -include board/mps2-an385/limits.h \
	    2>$@.log || { cat $@.log; false; }
	@touch $@
build/lint/board/%.tidy: board/%.c board/board_api.h .clang-tidy
	@mkdir -p $(@D)
	@echo "  clang-tidy $<"
	@clang-tidy --quiet $< -- $(mcu_tidy) $(port_includes) -include $(<D)/limits.h 2>$@.log || { cat $@.log; false; }
	@touch $@
build/lint/board_config.h: port/cortex-m/config.sh
	@mkdir -p $(@D)
	@port/cortex-m/config.sh lint $@
mcu_tidy = -std=c11 -DBOARD_SEED=0x20000000u --target=armv7m-none-eabi -isystem $(shell arm-none-eabi-gcc --specs=picolibc.specs -print-file-name=include) \
    -isystem /usr/lib/picolibc/arm-none-eabi/include -iquote board
build/lint/app/%: tidy_flags = $(app_includes)
build/lint/port/%: tidy_flags = $(port_includes)
build/lint/port/posix/%: tidy_flags = $(posix_includes)
build/lint/%.tidy: %.c $(HOST)/%.o .clang-tidy
	@mkdir -p $(@D)
	@echo "  clang-tidy $<"
	@clang-tidy --quiet $< -- -std=c11 $(tidy_flags) $(host_limits) 2>$@.log || { cat $@.log; false; }
	@touch $@

# It need not follow system headers to find what it finds, and is several times faster without.
# It takes an out parameter for a use of what is not yet set, hence the suppression.
cppcheck = cppcheck --quiet -j $(shell nproc) --std=c11 --language=c --enable=warning,performance,portability \
    --inline-suppr --suppress=missingIncludeSystem --suppress=ctuuninitvar --error-exitcode=1 \
    --template=gcc -I app -I port
lint-cppcheck: build/lint/board_config.h
	@echo "  cppcheck"
	@mkdir -p build/lint/cppcheck/host build/lint/cppcheck/unit
	@$(cppcheck) --cppcheck-build-dir=build/lint/cppcheck/host --include=port/posix/limits.h $(our_src)
	@$(if $(wildcard tests/unit/*.c),$(cppcheck) --cppcheck-build-dir=build/lint/cppcheck/unit \
	    --include=tests/unit/limits.h $(wildcard tests/unit/*.c))
	@mkdir -p build/lint/cppcheck/boards
	@$(cppcheck) --cppcheck-build-dir=build/lint/cppcheck/boards -I board -I build/lint --include=board/mps2-an385/limits.h \
	    $(mcu_src) $(small_src) $(board_c)

lint-shell:
	@echo "  shellcheck"
	@shellcheck -x $(wildcard $(our_sh))

format: ## Lays out our C code as .clang-format says
	clang-format -i $(our_c)

# ---- Set-up --------------------------------------------------------------------------------

# A source that an earlier build read, and that is gone since LWIP_DIR was given, is no fault.
third_party/%.c: ;

# One run for all, for it reads the mirror's lists only once.
our_stamps := $(jsmn_stamp) $(lwip_stamp) $(wolfssl_stamp)
ifneq ($(our_stamps),)
$(our_stamps) &: third_party/fetch.sh
	@third_party/fetch.sh $(patsubst third_party/%/.fetched,%,$(our_stamps))
endif

ifneq ($(lwip_stamp),)
$(LWIPDIR)/Filelists.mk: $(lwip_stamp) ;
endif

.PHONY: run qemu flash size test-boards test-bars sim sim-build sim-mutants test-sim unit model fuzz fuzz-build test test-fast e2e bench check-layers check-boards readme lint lint-format lint-tidy lint-cppcheck \
    lint-shell format packages sources tools clean distclean help
packages: ## Install the Debian packages that build, run, test and lint need
	@third_party/packages.sh build run board test lint

sources: $(our_stamps) ## Fetch the sources of lwIP, wolfSSL and jsmn
	@:

tools: ## Fetch Prometheus and the other peers that the tests run, without installing them
	@third_party/tools.sh

clean: ## Remove what was built
	@find build -mindepth 1 -maxdepth 1 ! -name apt ! -name tools -exec rm -rf {} + 2>/dev/null || :

distclean: ## Remove everything that is not in git: what was built, and what was fetched
	rm -rf build third_party/lwip third_party/wolfssl third_party/jsmn third_party/.work.* third_party/.lock

help: ## This list
	@echo 'make TARGET, where TARGET is'
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  \1 \2/p' Makefile | \
	    while read -r target text; do printf '  %-13s %s\n' "$$target" "$$text"; done

-include $(shell find $(HOST) $(UNIT) $(FUZZ) $(SIM) $(MCU) -name '*.d' 2>/dev/null)
