# SPDX-License-Identifier: GPL-2.0-or-later
"""P-256 of boards (port/cortex-m/p256*), run on an emulated Cortex-M3 with published examples and
with cases that are computed here, in the plainest way: p256_check.c."""

import itertools
import random
import shutil

import qemu_check

# SP 800-186 section 3.2.1.3.
P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
     0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)
R = 2**256

# RFC 6979 appendix A.2.5, SHA-256 of "sample": key, public key, k, r, s.
EXAMPLE_KEY = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
EXAMPLE_PUBLIC = (0x60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6,
                  0x7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299)
EXAMPLE_HASH = 0xAF2BDBE1AA9B6EC1E2ADE1D694F41FC71A831D0268E9891562113D8A62ADD1BF
EXAMPLE_K = 0xA6E3C57DD01ABE90086538398355DD4C3B17AA873382B0F24D6129493D8AAD60
EXAMPLE_R = 0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716
EXAMPLE_S = 0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8

# NIST's cases for ECC CDH, P-256, COUNT 0: peer, key, secret.
CDH_PEER = (0x700C48F77F56584C5CC632CA65640DB91B6BACCE3A4DF6B42CE7CC838833D287,
            0xDB71E509E3FD9B060DDB20BA5C51DCC5948D46FBF640DFE0441782CAB85FA4AC)
CDH_KEY = 0x7D7DC5F71EB29DDAF80D6214632EEAE03D9058AF1FB6D22ED80BADB62BC1A534
CDH_SECRET = 0x46FC62106420FF012E54A434FBDD2D25CCC5852060561E68040DD7778997BD7B


def add(a, b):
    """Of points; None: infinity."""
    if a is None or b is None:
        return b if a is None else a
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    if a == b:
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def times(k, point):
    result = None
    for bit in f"{k:b}":
        result = add(result, result)
        result = add(result, point) if bit == "1" else result
    return result


def sign(digest, key, k):
    r = times(k, G)[0] % N
    return r, (digest + r * key) * pow(k, -1, N) % N


# ---- as C --------------------------------------------------------------------------------------

def number(value):
    return "{" + ", ".join(f"{value >> 32 * i & 0xffffffff:#x}u" for i in range(8)) + "}"


def point(value):
    return "{" + number(value[0]) + ", " + number(value[1]) + "}"


def truth(value):
    return "true" if value else "false"


def table(kind, rows):
    lines = "".join("    {" + ", ".join(row) + "},\n" for row in rows)
    return f"static const struct {kind}_case {kind}_cases[] = {{\n{lines}}};\n"


# ---- cases -------------------------------------------------------------------------------------

def numbers(modulus, source):
    """Of all kinds below a modulus: random ones, and of words where carries go far."""
    edges = [0, 1, 2, modulus - 1, modulus - 2, R % modulus, R - modulus, 2**224, 2**224 - 1, 2**255]
    words = [sum(source.choice((0, 1, 0xfffffffe, 0xffffffff)) << 32 * i for i in range(8))
             for _ in range(40)]
    return edges + [value % modulus for value in words] + [source.randrange(modulus) for _ in range(20)]


def modular_rows(source):
    for name, modulus in (("&p", P), ("&n", N)):
        for a in numbers(modulus, source):
            for b in source.sample(numbers(modulus, source), 12):
                yield modular_row(name, modulus, a, b)
    # Here a sum of the product modulo p is just above nine words.
    yield modular_row("&p", P, 2**128 - 1, P - 2**96 + 2)


def modular_row(name, modulus, a, b):
    return (name, number(a), number(b), number((a + b) % modulus), number((a - b) % modulus),
            number(a * b * pow(R, -1, modulus) % modulus))


def inverse_rows(source):
    for name, modulus in (("&p", P), ("&n", N)):
        for a in (1, 2, modulus - 1, *(source.randrange(1, modulus) for _ in range(3))):
            yield name, number(a), number(pow(a, -1, modulus))
        yield name, number(0), number(0)


def scalar_rows():
    for k in (0, 1, N - 1, N, N + 1, R - 1, 2**32, N - 2**64, N + 2**64):
        yield number(k), truth(0 < k < N)


def point_rows(source):
    for x, y in (G, (G[0], P - G[1]), times(source.randrange(1, N), G)):
        yield point((x, y)), "true"
        yield point((x, y ^ 1)), "false"
        yield point((x ^ 1, y)), "false"
        yield point((x, 0)), "false"
    yield point((0, 0)), "false"
    # A y of 5 has an x; with p added both still fit in 256 bits, and are refused.
    x, y = small_point()
    yield point((x, y)), "true"
    yield point((x + P, y)), "false"
    root = pow(B, (P + 1) // 4, P)
    yield point((0, root)), "true"
    yield point((P, root)), "false"


def small_point():
    """A point whose x is below 2^256 - p."""
    x = 1
    while True:
        square = (x**3 - 3 * x + B) % P
        y = pow(square, (P + 1) // 4, P)
        if y * y % P == square:
            return x, y
        x += 1


SCALARS = (1, 2, 3, 4, 5, N - 1, N - 2, N - 3, N - 4, 2**255, 2**208, 2**52 - 1, 2**224 - 1, EXAMPLE_KEY)


def key_rows(source):
    for k in (*SCALARS, *(source.randrange(1, N) for _ in range(8))):
        yield number(k), point(times(k, G))


def secret_rows(source):
    yield number(CDH_KEY), point(CDH_PEER), number(CDH_SECRET)
    # Numbers on both sides of where the ladder adds n once more, and points with a small x.
    edges = (2**257 % N + d for d in (-2, -1, 0, 1, 2))
    peers = [small_point(), (0, pow(B, (P + 1) // 4, P))]
    for k in (*SCALARS, *edges, *(source.randrange(1, N) for _ in range(10))):
        peer = peers.pop() if peers else times(source.randrange(1, N), G)
        yield number(k), point(peer), number(times(k, peer)[0])


def signature_rows(source):
    yield (number(EXAMPLE_HASH), number(EXAMPLE_KEY), number(EXAMPLE_K), "true", number(EXAMPLE_R),
           number(EXAMPLE_S))
    for digest in (0, 1, N - 1, N, N + 1, R - 1, source.randrange(R)):
        key, k = source.randrange(1, N), source.randrange(1, N)
        r, s = sign(digest, key, k)
        yield number(digest), number(key), number(k), "true", number(r), number(s)
    # A hash for which s is 0.
    key, k = source.randrange(1, N), source.randrange(1, N)
    r = times(k, G)[0] % N
    yield (number(-r * key % N), number(key), number(k), "false", number(r), number(0))


def vectors():
    source = random.Random(256)
    return "".join((
        table("modular", modular_rows(source)), table("inverse", inverse_rows(source)),
        table("scalar", scalar_rows()), table("point", point_rows(source)),
        table("key", key_rows(source)), table("secret", secret_rows(source)),
        table("signature", signature_rows(source))))


TEETH, SPACING = 5, 52


def digits(k):
    """What p256.c adds for an odd number of the base point, place by place, the lowest first."""
    bits = (k + 2**(TEETH * SPACING) - 1) // 2
    signs = [2 * (bits >> i & 1) - 1 for i in range(TEETH * SPACING)]
    found = [sum(signs[place + tooth * SPACING] << tooth * SPACING for tooth in range(TEETH))
             for place in range(SPACING)]
    assert sum(digit << place for place, digit in enumerate(found)) == k
    return found


# ---- tests -------------------------------------------------------------------------------------

def run_check(folder, p256, assembly):
    """With p256.c and p256_modular.S as given, as text."""
    port = qemu_check.ROOT / "port/cortex-m"
    work = folder / "port/cortex-m"
    work.mkdir(parents=True, exist_ok=True)
    (folder / "tests/size").mkdir(parents=True, exist_ok=True)
    for header in ("forget.h", "p256.h", "p256_modular.h"):
        shutil.copy(port / header, work)
    (work / "p256.c").write_text(p256)
    (work / "p256_modular.S").write_text(assembly)
    (work / "vectors.h").write_text(vectors())
    check = folder / "tests/size/p256_check.c"
    shutil.copy(qemu_check.HERE / "p256_check.c", check)
    return qemu_check.run_check(folder, check, [port / "memory.S", work / "p256_modular.S"],
                             "-iquote", work)


BETWEEN = "\f"  # the two sources


def sources():
    port = qemu_check.ROOT / "port/cortex-m"
    return (port / "p256.c").read_text(), (port / "p256_modular.S").read_text()


def test_the_examples_are_right():
    """What is published agrees with what is computed here."""
    assert times(EXAMPLE_KEY, G) == EXAMPLE_PUBLIC
    assert sign(EXAMPLE_HASH, EXAMPLE_KEY, EXAMPLE_K) == (EXAMPLE_R, EXAMPLE_S)
    assert times(CDH_KEY, CDH_PEER)[0] == CDH_SECRET


def test_the_last_step_never_doubles():
    """See the comment in p256.c: of all that could be subtracted last, none is for that number."""
    for signs in itertools.product((1, -1), repeat=TEETH - 1):
        d = (1 << (TEETH - 1) * SPACING) + sum(s << i * SPACING for i, s in enumerate(signs))
        assert digits(N - 2 * d)[0] != -d


def test_the_ladder_never_comes_to_infinity():
    """See the comment in p256.c: q is first * P, r is one more, and a step from there makes q + r. Where
    one of them is infinity, the number that begins so is not one that the ladder is given."""
    lowest, highest = 2**257, 2**257 + N - 1
    found = set()
    for behind in range(1, 258):
        for residue in (0, N - 1, (N - 1) // 2):
            first = (lowest >> behind) + (residue - (lowest >> behind)) % N
            while first <= highest >> behind:
                found.update(range(max(first << behind, lowest),
                                   min(first + 1 << behind, highest + 1)))
                first += N
    found.update(k for k in range(3 * N - 1, 3 * N + 1) if k <= highest)
    assert {k % N for k in found} <= {0, N - 1}
    assert (N - 1) % 2 == 0


def test_the_ladder_never_divides_by_0():
    """The curve has no point with an x of 1 or -1, nor one with a y of 0, of an order of 2."""
    for x in (1, -1):
        assert pow(x**3 - 3 * x + B, (P - 1) // 2, P) == P - 1
    assert N % 2 == 1


def test_p256(tmp_path):
    assert run_check(tmp_path, *sources()) == 0


def test_the_check_can_fail(tmp_path):
    """Each function broken once, where only some numbers come to."""

    def run(both):
        return run_check(tmp_path, *both.split(BETWEEN))

    qemu_check.each_fails(BETWEEN.join(sources()), run, (
            ("adc     r11, r3, #0", "mov     r11, r3", 3),
            ("adc     r2, r3, #0", "mov     r2, #0", 3),
            ("adc     r3, r3, r3", "", 3),
            ("adcs    r11, r3, r1", "adcs    r11, r3, #0", 3),
            ("sbc     r1, r12, #0", "sub     r1, r12, #1", 3),
            ("sbcs    r10, r10, #1", "sbcs    r10, r10, #0", 1),
            ("adcs    r10, r10, r2, lsr #31", "adcs    r10, r10, #0", 1),
            ("raise_power(power, 30, ones_30, modulus)", "raise_power(power, 30, ones_32, modulus)", 4),
            ("raise_power(power, 64, ones_32, modulus)", "raise_power(power, 64, ones_30, modulus)", 4),
            ("#0xffffffff\n    sbcs    r2, r2, #0", "#0xffffffff\n    sbcs    r2, r2, r2", 1),
            ("r12\n    sbcs    r2, r2, #0", "r12\n    sbcs    r2, r2, r2", 1),
            ("(bit < 32 ? 2u : 0u)", "(bit < 32 ? 1u : 0u)", 4),
            ("return !is_zero(k) && mask_if_less", "return mask_if_less", 5),
            ("mask_if_less(point->x, p.words) != 0", "true", 6),
            ("sum.y, next.y, is_even", "sum.y, next.y, ~is_even", 8),
            ("subtract(point->y, other, u);", "add(point->y, other, u);", 7),
            ("bit = BITS + 1; bit-- > 0", "bit = BITS; bit-- > 0", 9),
            ("swap(l, swapped);", "", 9),
            ("subtract(result, result, other);", "", 9),
            ("return !is_zero(r) && !is_zero(s);", "return true;", 10),
            ("p256_modular_add(s, s, hash, &n);", "p256_modular_subtract(s, s, hash, &n);", 12)))
