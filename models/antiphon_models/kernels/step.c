/* A player's step on small integers: the parts of antiphon_models.network that cost time.
 *
 * Weights are int8 with a scale for each row, activations are rounded to 13 bits or more for
 * each product, and products are summed as int32, so exactly. What is left is float32 in a fixed
 * order, without contraction: every processor gives the same bits. Freestanding: no libc.
 *
 * Built by tools/build_kernels.py; called by antiphon_models/kernel.py, which says what the
 * pointers hold and checks the result against numpy when it loads.
 */
#include <stdint.h>

#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
EXPORT int DllMainCRTStartup(void *module, unsigned reason, void *reserved)
{
    (void)module, (void)reason, (void)reserved;
    return 1;
}
#else
#define EXPORT __attribute__((visibility("default")))
#endif

/* Columns that are read together, and rows that lie side by side: 4 rows, 32 columns of each
 * in turn. kernel.pack lays matrices out so. */
enum { COLUMNS = 32, ROWS = 4, LANES = 8 };

/* How many bytes of weights ahead are asked for: between two notes other programs have filled
 * the cache, and the processor alone does not look far enough ahead. */
enum { AHEAD = 2048 };

typedef struct {
    int32_t rows, cols;    /* multiples of ROWS and of LANES */
    const uint8_t *weights; /* packed, the columns padded to a multiple of COLUMNS */
    const float *scales;   /* (rows,) */
    const float *bias;     /* (rows,) */
    int16_t *rounded;      /* room for the input, zero behind its end */
    int32_t most;          /* largest rounded input for which no sum overflows */
} Linear;

typedef struct {
    const float *rows;     /* tables of vectors one behind the other, each `width` long */
    const int32_t *starts; /* (count + 1,) first row of each table, and the end */
    const int32_t *ids;    /* (count,) the row of each table that is meant */
    int32_t count, width;
} Tables;

typedef float Floats __attribute__((vector_size(4 * LANES), aligned(4)));
typedef int32_t Ints __attribute__((vector_size(4 * LANES), aligned(4)));
typedef int16_t Shorts __attribute__((vector_size(2 * LANES), aligned(2)));

#define INLINE static inline __attribute__((always_inline))

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

/* Tell whether this processor, and the system that runs it, have AVX2. */
EXPORT int32_t antiphon_usable(void)
{
    uint32_t a, b, c, d, low, high;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) || !(c & bit_AVX))
        return 0;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 6) != 6 || !__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return 0;
    return (b & bit_AVX2) != 0;
}

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)

typedef __m256i Sums;

INLINE Sums no_sums(void) { return _mm256_setzero_si256(); }

/* Add the products of 32 columns: the low bytes are those of the first 16 plus 128, the high
 * bytes those of the last 16. */
INLINE Sums add_products(Sums sums, const uint8_t *w, const int16_t *q)
{
    __m256i both = _mm256_loadu_si256((const __m256i *)w);
    __m256i low = _mm256_and_si256(both, _mm256_set1_epi16(255));
    __m256i high = _mm256_srai_epi16(both, 8);
    low = _mm256_madd_epi16(low, _mm256_loadu_si256((const __m256i *)q));
    high = _mm256_madd_epi16(high, _mm256_loadu_si256((const __m256i *)(q + 16)));
    return _mm256_add_epi32(sums, _mm256_add_epi32(low, high));
}

INLINE int32_t total(Sums sums)
{
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4E));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xB1));
    return _mm_cvtsi128_si32(s);
}

#elif defined(__aarch64__)

#include <arm_neon.h>

EXPORT int32_t antiphon_usable(void) { return 1; }

typedef struct { int32x4_t low, high; } Sums;

INLINE Sums no_sums(void) { return (Sums){vdupq_n_s32(0), vdupq_n_s32(0)}; }

INLINE Sums add_products(Sums sums, const uint8_t *w, const int16_t *q)
{
    for (int part = 0; part < 2; part++, w += 16, q += 8) {
        int16x8_t both = vreinterpretq_s16_u8(vld1q_u8(w));
        int16x8_t low = vandq_s16(both, vdupq_n_s16(255)), high = vshrq_n_s16(both, 8);
        int16x8_t x = vld1q_s16(q), y = vld1q_s16(q + 16);
        sums.low = vmlal_s16(sums.low, vget_low_s16(low), vget_low_s16(x));
        sums.high = vmlal_high_s16(sums.high, low, x);
        sums.low = vmlal_s16(sums.low, vget_low_s16(high), vget_low_s16(y));
        sums.high = vmlal_high_s16(sums.high, high, y);
    }
    return sums;
}

INLINE int32_t total(Sums sums) { return vaddvq_s32(vaddq_s32(sums.low, sums.high)); }

#endif

INLINE Floats all(float value)
{
    return (Floats){value, value, value, value, value, value, value, value};
}

INLINE Floats load(const float *from) { return *(const Floats *)from; }
INLINE void store(float *to, Floats values) { *(Floats *)to = values; }

INLINE Floats choose(Ints mask, Floats yes, Floats no)
{
    return (Floats)((mask & (Ints)yes) | (~mask & (Ints)no));
}

INLINE Floats clamp(Floats x, float low, float high)
{
    x = choose((Ints)(x > all(low)), x, all(low));
    return choose((Ints)(x < all(high)), x, all(high));
}

/* Adding this pushes the fraction out of a float: what is left in the low bits is the nearest
 * integer (ties to even). Holds for |x| < 2^22. */
#define SHIFTER 12582912.0f /* 1.5 * 2^23 */
#define SHIFTER_BITS 0x4B400000

INLINE Ints nearest(Floats x) { return (Ints)(x + all(SHIFTER)) - SHIFTER_BITS; }

/* e^x = 2^n e^f, |f| <= ln(2)/2, by the series of e^f; relative error below 2e-7. */
INLINE Floats exponential(Floats x)
{
    x = clamp(x, -87.0f, 88.0f);
    Ints n = nearest(x * all(1.44269504f));
    Floats whole = __builtin_convertvector(n, Floats);
    Floats f = x - whole * all(0.693145752f); /* ln 2 in two parts, the first with few digits */
    f = f - whole * all(1.42860677e-6f);
    Floats sum = all(1.0f / 5040);
    sum = sum * f + all(1.0f / 720);
    sum = sum * f + all(1.0f / 120);
    sum = sum * f + all(1.0f / 24);
    sum = sum * f + all(1.0f / 6);
    sum = sum * f + all(0.5f);
    sum = sum * f + all(1.0f);
    sum = sum * f + all(1.0f);
    return sum * (Floats)((n + 127) << 23);
}

INLINE Floats hyperbolic_tangent(Floats x)
{
    x = clamp(x, -9.0f, 9.0f);
    return all(1.0f) - all(2.0f) / (exponential(x + x) + all(1.0f));
}

/* sigmoid(2x): the weights before it are halved. */
INLINE Floats gate(Floats x) { return hyperbolic_tangent(x) * all(0.5f) + all(0.5f); }

INLINE float sum_lanes(Floats x)
{
    return ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]));
}

INLINE float largest_lane(Floats x)
{
    float most = x[0];
    for (int i = 1; i < LANES; i++)
        most = x[i] > most ? x[i] : most;
    return most;
}

/* y (rows,) = weights x + bias */
INLINE void multiply(const Linear *m, const float *x, float *y)
{
    Floats top = all(0);
    for (int i = 0; i < m->cols; i += LANES) {
        Floats v = load(x + i), size = choose((Ints)(v < all(0)), -v, v);
        top = choose((Ints)(size > top), size, top);
    }
    float most = largest_lane(top), unit = most / (float)m->most;
    Floats per_unit = all(most > 0 ? (float)m->most / most : 0);
    for (int i = 0; i < m->cols; i += LANES)
        *(Shorts *)(m->rounded + i) =
            __builtin_convertvector(nearest(load(x + i) * per_unit), Shorts);

    int32_t offset = 0; /* the 128 that were added to low bytes */
    for (int i = 0; i < m->cols; i += COLUMNS)
        for (int j = 0; j < COLUMNS / 2; j++)
            offset += m->rounded[i + j];
    offset *= 128;

    const uint8_t *w = m->weights;
    for (int row = 0; row < m->rows; row += ROWS) {
        Sums sums[ROWS] = {no_sums(), no_sums(), no_sums(), no_sums()};
        for (int i = 0; i < m->cols; i += COLUMNS) {
            __builtin_prefetch(w + AHEAD);
            __builtin_prefetch(w + AHEAD + 64);
            for (int r = 0; r < ROWS; r++, w += COLUMNS)
                sums[r] = add_products(sums[r], w, m->rounded + i);
        }
        for (int r = 0; r < ROWS; r++) {
            float sum = (float)(total(sums[r]) - offset);
            y[row + r] = sum * (m->scales[row + r] * unit) + m->bias[row + r];
        }
    }
}

/* Shift to mean 0 and scale to variance 1. */
INLINE void normalise(const float *x, float *out, int width, float epsilon)
{
    Floats sum = all(0), squares = all(0);
    for (int i = 0; i < width; i += LANES)
        sum += load(x + i);
    Floats mean = all(sum_lanes(sum) / (float)width);
    for (int i = 0; i < width; i += LANES) {
        Floats v = load(x + i) - mean;
        squares += v * v;
    }
    Floats scale = all(1 / __builtin_sqrtf(sum_lanes(squares) / (float)width + epsilon));
    for (int i = 0; i < width; i += LANES)
        store(out + i, (load(x + i) - mean) * scale);
}

/* sum (width,) = start + the row of each table that is meant; 0 if a table has no such row */
INLINE int32_t add_rows(const Tables *tables, const float *start, float *sum)
{
    int width = tables->width;
    for (int i = 0; i < width; i += LANES)
        store(sum + i, load(start + i));
    for (int n = 0; n < tables->count; n++) {
        int32_t first = tables->starts[n], id = tables->ids[n];
        if (id < 0 || id >= tables->starts[n + 1] - first)
            return 0;
        const float *row = tables->rows + (intptr_t)(first + id) * width;
        for (int i = 0; i < width; i += LANES)
            store(sum + i, load(sum + i) + load(row + i));
    }
    return 1;
}

/* x (width,) = start + the row of each table that is meant; 0 if a table has no such row */
EXPORT int32_t antiphon_embed(const Tables *tables, const float *start, float *x)
{
    return add_rows(tables, start, x);
}

/* A residual layer: x (width,) += LSTM(normalised x). `memory` (3, width) holds the layer's
 * input, hidden and cell state; `gates` has room for (4, width) in the order i, f, o, g. */
EXPORT void antiphon_lstm(const Linear *m, float epsilon, float *x, float *memory, float *gates)
{
    int width = m->cols / 2;
    float *hidden = memory + width, *cell = hidden + width;
    normalise(x, memory, width, epsilon);
    multiply(m, memory, gates);
    for (int i = 0; i < width; i += LANES) {
        Floats write = gate(load(gates + i)), forget = gate(load(gates + width + i));
        Floats show = gate(load(gates + 2 * width + i));
        Floats new = hyperbolic_tangent(load(gates + 3 * width + i));
        Floats c = forget * load(cell + i) + write * new;
        Floats h = show * hyperbolic_tangent(c);
        store(cell + i, c);
        store(hidden + i, h);
        store(x + i, load(x + i) + h);
    }
}

/* A residual layer: x (width,) += a gated linear recurrence of normalised x, whose state is
 * `hidden` (width,). `enter` gives update, candidate and gate; what goes through a sigmoid is
 * halved. `room` is for (4, width). */
EXPORT void antiphon_recur(const Linear *enter, const Linear *leave, float epsilon, float *x,
                           float *hidden, float *room)
{
    int width = enter->cols;
    float *gates = room + width;
    normalise(x, room, width, epsilon);
    multiply(enter, room, gates);
    for (int i = 0; i < width; i += LANES) {
        Floats h = load(hidden + i), show = load(gates + 2 * width + i);
        h += gate(load(gates + i)) * (load(gates + width + i) - h);
        store(hidden + i, h);
        store(room + i, h * show * (all(1.0f) + hyperbolic_tangent(show)));
    }
    multiply(leave, room, gates);
    for (int i = 0; i < width; i += LANES)
        store(x + i, load(x + i) + load(gates + i));
}

/* y (rows,) = weights normalised(x) + bias; `out` (cols,) keeps the normalised x */
EXPORT void antiphon_trunk(const Linear *m, float epsilon, const float *x, float *out, float *y)
{
    normalise(x, out, m->cols, epsilon);
    multiply(m, out, y);
}

EXPORT void antiphon_linear(const Linear *m, const float *x, float *y) { multiply(m, x, y); }

/* logits (rows,) = weights gelu(u + the row of each table that is meant) + bias; 0 if a table has
 * no such row. `room` is for (cols,). The half of GELU is in the weights. */
EXPORT int32_t antiphon_head(const Linear *m, const Tables *tables, const float *u, float *room,
                             float *logits)
{
    if (!add_rows(tables, u, room))
        return 0;
    for (int i = 0; i < m->cols; i += LANES) {
        Floats v = load(room + i);
        Floats bend = hyperbolic_tangent(v * (all(0.797884561f) + all(0.0356774081f) * v * v));
        store(room + i, v * (all(1.0f) + bend));
    }
    multiply(m, room, logits);
    return 1;
}

/* Draw a class as antiphon_models.sampling.draw does; -1 if a logit is not a finite number.
 * `mask` may be null. `room` has a multiple of LANES places, no fewer than classes. */
EXPORT int32_t antiphon_draw(const float *logits, const float *mask, int32_t classes,
                             float uniform, float sharpness, float rare, float *room)
{
    float top = -__builtin_inff();
    for (int i = 0; i < classes; i++) {
        float z = logits[i];
        if (!(z - z == 0))
            return -1;
        room[i] = z = mask ? z + mask[i] : z;
        top = z > top ? z : top;
    }
    float sum = 0;
    for (int i = 0; i < classes; i += LANES) {
        Floats share = exponential((load(room + i) - all(top)) * all(sharpness));
        store(room + i, choose((Ints)(share < all(rare)), all(0), share));
    }
    int last = 0;
    for (int i = 0; i < classes; i++) {
        last = room[i] > 0 ? i : last;
        room[i] = sum += room[i];
    }
    for (int i = 0; i < classes; i++)
        if (room[i] > uniform * sum)
            return i;
    return last; /* the product was rounded up to the whole */
}

#if defined(__x86_64__)
#pragma clang attribute pop
#endif
