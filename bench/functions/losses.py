"""Losses and measures of predictions, with gradients, gradients' products by vectors, and in other types."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .inputs import integers, uniform
from .tables import add_all, gradient

P, T = uniform(257, 101), uniform(257, 101)
LABELS = integers(257, high=101)
BINARY = integers(257, 101, high=2).astype(np.float32)
MAPS, MASK = uniform(3, 65, 67, 5), integers(3, 65, 67, high=5)
EMBEDDED, OTHERS = uniform(129, 48), uniform(129, 48)
CLASSES = integers(129, high=7)


def unit(x):
    return x / jnp.linalg.norm(x, axis=-1, keepdims=True)


def squared_distances(a, b):
    return (a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * a @ b.T


def picked(logits, labels):
    return jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1)[:, 0]


def focal(x, y, g=2.0):
    p = jax.nn.sigmoid(x)
    return (-y * (1 - p) ** g * jax.nn.log_sigmoid(x) - (1 - y) * p**g * jax.nn.log_sigmoid(-x)).mean()


def dice(x, y):
    p, o = jax.nn.softmax(x), jax.nn.one_hot(y, x.shape[-1], dtype=x.dtype)
    return 1 - ((2 * (p * o).sum((1, 2)) + 1) / ((p + o).sum((1, 2)) + 1)).mean()


def jaccard(x, y):
    p, o = jax.nn.sigmoid(x[..., 0]), (y == 1).astype(x.dtype)
    both = (p * o).sum((1, 2))
    return (1 - both / (p.sum((1, 2)) + o.sum((1, 2)) - both)).mean()


def lovasz(x, y):
    """The hinge of Lovász: errors in falling order, weighted by what each does to the index of Jaccard."""
    signs = 2 * y - 1
    errors = 1 - x * signs
    order = jnp.argsort(-errors)
    truth, errors = y[order], errors[order]
    total = truth.sum()
    index = 1 - (total - jnp.cumsum(truth)) / (total + jnp.cumsum(1 - truth))
    return jnp.maximum(errors, 0) @ jnp.concatenate([index[:1], index[1:] - index[:-1]])


def contrastive(a, b, temperature=0.07):
    scores = unit(a) @ unit(b).T / temperature
    return -(jnp.diagonal(jax.nn.log_softmax(scores, 0)) + jnp.diagonal(jax.nn.log_softmax(scores, 1))).mean()


def supervised_contrastive(a, labels):
    scores = unit(a) @ unit(a).T / 0.1
    n = scores.shape[0]
    others = ~jnp.eye(n, dtype=bool)
    logs = scores - jax.nn.logsumexp(jnp.where(others, scores, -jnp.inf), 1, keepdims=True)
    same = (labels[:, None] == labels) & others
    return -(jnp.where(same, logs, 0).sum(1) / jnp.maximum(same.sum(1), 1)).mean()


def nt_xent(a, b):
    z = unit(jnp.concatenate([a, b]))
    n = a.shape[0]
    scores = (z @ z.T / 0.5).at[jnp.arange(2 * n), jnp.arange(2 * n)].set(-1e9)
    return -jax.nn.log_softmax(scores)[jnp.arange(2 * n), (jnp.arange(2 * n) + n) % (2 * n)].mean()


def triplet(a, labels):
    """Of each row the furthest of its class and the nearest of another."""
    d = jnp.sqrt(jnp.maximum(squared_distances(a, a), 1e-9))
    same = labels[:, None] == labels
    return jax.nn.relu(jnp.where(same, d, -jnp.inf).max(1) - jnp.where(same, jnp.inf, d).min(1) + 0.2).mean()


def arcface(a, w, labels):
    cos = jnp.clip(unit(a) @ unit(w).T, -1 + 1e-6, 1 - 1e-6)
    at = jax.nn.one_hot(labels, w.shape[0], dtype=bool)
    return -picked(30 * jnp.where(at, jnp.cos(jnp.arccos(cos) + 0.3), cos), labels).mean()


def barlow(a, b):
    norm = lambda x: (x - x.mean(0)) / (x.std(0) + 1e-5)
    c = norm(a).T @ norm(b) / a.shape[0]
    on = jnp.diagonal(c)
    return ((on - 1) ** 2).sum() + 0.005 * ((c**2).sum() - (on**2).sum())


def vicreg(a, b):
    def spread(x):
        x = x - x.mean(0)
        c = x.T @ x / (x.shape[0] - 1)
        return jax.nn.relu(1 - jnp.sqrt(x.var(0) + 1e-4)).mean() + (c**2 * (1 - jnp.eye(c.shape[0]))).sum() / c.shape[0]
    return 25 * ((a - b) ** 2).mean() + spread(a) + spread(b)


def mmd(a, b):
    kernel = lambda x, y: sum(jnp.exp(-squared_distances(x, y) * s) for s in (0.01, 0.1, 1.0))
    return kernel(a, a).mean() + kernel(b, b).mean() - 2 * kernel(a, b).mean()


def coral(a, b):
    return ((jnp.cov(a, rowvar=False) - jnp.cov(b, rowvar=False)) ** 2).sum() / 4


def list_wise(x, y):
    return -(jax.nn.softmax(y, 1) * jax.nn.log_softmax(x, 1)).sum(1).mean()


def plackett_luce(x, y):
    ordered = jnp.take_along_axis(x, jnp.argsort(-y, 1), 1)
    return (lax.cumlogsumexp(ordered, 1, reverse=True) - ordered).sum(1).mean()


def ndcg(x, y):
    gain = 2.0 ** jnp.clip(jnp.round(y + 2), 0, 4) - 1
    weight = 1 / jnp.log2(jnp.arange(x.shape[1]) + 2.0)
    dcg = (jnp.take_along_axis(gain, jnp.argsort(-x, 1), 1)[:, :10] * weight[:10]).sum(1)
    return (dcg / (-jnp.sort(-gain, 1)[:, :10] * weight[:10]).sum(1)).mean()


def auc(x, y):
    x, y = x.reshape(-1), y.reshape(-1)
    rank = jnp.argsort(jnp.argsort(x)) + 1.0
    positive = y.sum()
    return ((rank * y).sum() - positive * (positive + 1) / 2) / (positive * (y.size - positive))


def calibration(x, labels):
    p = jax.nn.softmax(x)
    sure, right = p.max(1), p.argmax(1) == labels
    bins = jnp.clip((sure * 15).astype(int), 0, 14)
    n = jnp.zeros(15).at[bins].add(1)
    return (jnp.abs(jnp.zeros(15).at[bins].add(sure) - jnp.zeros(15).at[bins].add(right.astype(x.dtype))) / x.shape[0]).sum() + 0 * n.sum()


def confusion(x, labels):
    n = x.shape[1]
    return jnp.zeros((n, n), int).at[labels, x.argmax(1)].add(1)


def wgan_penalty(w, v, a, b):
    critic = lambda x: (jax.nn.leaky_relu(x @ w) @ v).sum()
    slope = jax.grad(critic)(0.3 * a + 0.7 * b)
    return ((jnp.linalg.norm(slope, axis=1) - 1) ** 2).mean()


def elbo(mean, log_variance, x):
    z = mean + jnp.exp(0.5 * log_variance) * 0.3
    return ((z - x) ** 2).sum(1).mean() - 0.5 * (1 + log_variance - mean**2 - jnp.exp(log_variance)).sum(1).mean()


def mixture_density(x, y):
    weight, mean, scale = x[:, :30], x[:, 30:60], jnp.exp(x[:, 60:90])
    return -jax.nn.logsumexp(jax.nn.log_softmax(weight) - 0.5 * ((y[:, :1] - mean) / scale) ** 2 - jnp.log(scale), 1).mean()


def ppo(new, old, gain):
    ratio = jnp.exp(new - old)
    return -jnp.minimum(ratio * gain, jnp.clip(ratio, 0.8, 1.2) * gain).mean()


def dpo(a, b, labels, chosen):
    of = lambda x: picked(x, labels)
    return -jax.nn.log_sigmoid(0.1 * (of(a) - of(b) - of(chosen) + of(chosen * 0.9))).mean()


def iou(a, b):
    """Overlaps of boxes (two corners) with boxes, generalised."""
    a, b = (jnp.concatenate([x[:, :2], x[:, :2] + jnp.abs(x[:, 2:4])], 1) for x in (a, b))
    low, high = jnp.maximum(a[:, None, :2], b[None, :, :2]), jnp.minimum(a[:, None, 2:], b[None, :, 2:])
    both = jnp.prod(jnp.maximum(high - low, 0), -1)
    area = lambda x: jnp.prod(x[:, 2:] - x[:, :2], -1)
    union = area(a)[:, None] + area(b) - both
    hull = jnp.prod(jnp.maximum(a[:, None, 2:], b[None, :, 2:]) - jnp.minimum(a[:, None, :2], b[None, :, :2]), -1)
    return both / union - (hull - union) / hull


def suppression(boxes, scores):
    """Non-maximum suppression of overlapping boxes."""
    overlap = iou(boxes, boxes) > 0.3
    order = jnp.argsort(-scores)
    overlap = overlap[order][:, order]
    n = scores.size
    keep = lax.fori_loop(0, n, lambda i, k: jnp.where(k[i] & overlap[i] & (jnp.arange(n) > i), False, k), jnp.ones(n, bool))
    return jnp.zeros(n, bool).at[order].set(keep)


def ssim(a, b):
    window = lambda x: lax.reduce_window(x, 0.0, lax.add, (1, 7, 7, 1), (1, 1, 1, 1), "VALID") / 49
    u, v = window(a), window(b)
    aa, bb, ab = window(a * a) - u * u, window(b * b) - v * v, window(a * b) - u * v
    return ((2 * u * v + 1e-4) * (2 * ab + 9e-4) / ((u * u + v * v + 1e-4) * (aa + bb + 9e-4))).mean()


def total_variation(x):
    return jnp.abs(x[:, 1:] - x[:, :-1]).mean() + jnp.abs(x[:, :, 1:] - x[:, :, :-1]).mean()


def gram(x):
    f = x.reshape(x.shape[0], -1, x.shape[-1])
    return jnp.einsum("nic,nid->ncd", f, f) / f.shape[1]


def soft_edit(a, b):
    """Soft dynamic time warping, by antidiagonals."""
    d = squared_distances(a[:60], b[:60])
    n = 60
    i = jnp.arange(n)
    skew = jnp.where((jnp.arange(2 * n - 1)[:, None] - i >= 0) & (jnp.arange(2 * n - 1)[:, None] - i < n),
                     d[i, jnp.clip(jnp.arange(2 * n - 1)[:, None] - i, 0, n - 1)], 1e6)
    def step(c, row):
        above, here = c
        shifted = jnp.concatenate([jnp.full(1, 1e6), here[:-1]])
        corner = jnp.concatenate([jnp.full(1, 1e6), above[:-1]])
        best = -0.1 * jax.nn.logsumexp(jnp.stack([here, shifted, corner]) / -0.1, axis=0)
        return (here, row + best), 0
    first = jnp.full(n, 1e6).at[0].set(skew[0, 0])
    return lax.scan(step, (jnp.full(n, 1e6), first), skew[1:])[0][1][-1]


LOSSES = {
    "focal": (focal, P, BINARY),
    "label smoothing": (lambda x, y: -(0.9 * picked(x, y) + 0.1 * jax.nn.log_softmax(x).mean(1)).mean(), P, LABELS),
    "cross entropy, ignored index": (lambda x, y: -jnp.where(y > 9, picked(x, y), 0).sum() / (y > 9).sum(), P, LABELS),
    "cross entropy, weights of classes": (lambda x, y, w: -(picked(x, y) * w[y]).sum() / w[y].sum(), P, LABELS, np.abs(uniform(101)) + 0.1),
    "cross entropy by one_hot": (lambda x, y: -(jax.nn.one_hot(y, 101) * jax.nn.log_softmax(x)).sum(1).mean(), P, LABELS),
    "cross entropy and z loss": (lambda x, y: (-picked(x, y) + 1e-4 * jax.nn.logsumexp(x, 1) ** 2).mean(), P, LABELS),
    "poly loss": (lambda x, y: (-picked(x, y) + 1 - jnp.exp(picked(x, y))).mean(), P, LABELS),
    "hinge of classes": (lambda x, y: (v := jnp.take_along_axis(x, y[:, None], 1), jax.nn.relu(x - v + 1).sum(1).mean() - 1)[1], P, LABELS),
    "Kullback-Leibler": (lambda a, b: (jax.nn.softmax(b) * (jax.nn.log_softmax(b) - jax.nn.log_softmax(a))).sum(1).mean(), P, T),
    "Jensen-Shannon": (lambda a, b: (p := jax.nn.softmax(a), q := jax.nn.softmax(b), m := (p + q) / 2, (
        p * jnp.log(p / m) + q * jnp.log(q / m)).sum(1).mean() / 2)[3], P, T),
    "distillation": (lambda a, b, y: 0.5 * 16 * (jax.nn.softmax(b / 4)
        * (jax.nn.log_softmax(b / 4) - jax.nn.log_softmax(a / 4))).sum(1).mean()
                     - 0.5 * picked(a, y).mean(), P, T, LABELS),
    "entropy": (lambda a: -(jax.nn.softmax(a) * jax.nn.log_softmax(a)).sum(1), P),
    "smooth L1": (lambda a, b: (d := jnp.abs(a - b), jnp.where(d < 0.5, d * d, d - 0.25).mean())[1], P, T),
    "log cosh": (lambda a, b: (d := a - b, d + jax.nn.softplus(-2 * d) - jnp.log(2.0))[1].mean(), P, T),
    "Tukey's biweight": (lambda a, b: (d := (a - b) / 2, jnp.where(jnp.abs(d) < 1, 1 - (1 - d * d) ** 3, 1).mean())[1], P, T),
    "Charbonnier": (lambda a, b: jnp.sqrt((a - b) ** 2 + 1e-6).mean(), P, T),
    "pinball of three": (lambda a, b: (d := b - a, jnp.stack([jnp.maximum(q * d, (q - 1) * d).mean() for q in (0.1, 0.5, 0.9)]))[1], P, T),
    "mean absolute percentage": (lambda a, b: (jnp.abs(a - b) / jnp.maximum(jnp.abs(b), 1e-3)).mean(), P, T),
    "squared log error": (lambda a, b: ((jnp.log1p(jnp.abs(a)) - jnp.log1p(jnp.abs(b))) ** 2).mean(), P, T),
    "Poisson": (lambda a, b: (jnp.exp(a) - jnp.abs(b) * a + lax.lgamma(jnp.abs(b) + 1)).mean(), P, T),
    "Gauss": (lambda a, b, v: (0.5 * (v + (a - b) ** 2 * jnp.exp(-v))).mean(), P, T, uniform(257, 101)),
    "r2": (lambda a, b: 1 - ((a - b) ** 2).sum(0) / ((b - b.mean(0)) ** 2).sum(0), P, T),
    "cosine embedding": (lambda a, b: (c := (unit(a) * unit(b)).sum(1), jnp.where(a[:, 0] > 0, 1 - c, jax.nn.relu(c - 0.1)).mean())[1], P,
        T),
    "mixture density": (mixture_density, P, T),
    "list wise": (list_wise, P, T),
    "Plackett-Luce": (plackett_luce, P, T),
    "pairwise ranking": (lambda a, b: jnp.where(b[:, :, None] > b[:, None, :], jax.nn.softplus(a[:, None, :] - a[:, :, None]), 0).mean(),
                         P[:40], T[:40]),
    "dice": (dice, MAPS, MASK),
    "Jaccard": (jaccard, MAPS, MASK),
    "Lovasz": (lovasz, P.reshape(-1), BINARY.reshape(-1)),
    "Tversky": (lambda x, y: (p := jax.nn.sigmoid(x), t := (p * y).sum(1),
        1 - (t / (t + 0.3 * (p * (1 - y)).sum(1) + 0.7 * ((1 - p) * y).sum(1))).mean())[2],
                P, BINARY),
    "segmentation cross entropy": (lambda x, y: -jnp.take_along_axis(jax.nn.log_softmax(x), y[..., None], -1).mean(), MAPS, MASK),
    "contrastive": (contrastive, EMBEDDED, OTHERS),
    "contrastive, supervised": (supervised_contrastive, EMBEDDED, CLASSES),
    "NT-Xent": (nt_xent, EMBEDDED, OTHERS),
    "sigmoid contrastive": (lambda a, b: (s := unit(a) @ unit(b).T * 10 - 10,
        -jax.nn.log_sigmoid(s * (2 * jnp.eye(129) - 1)).sum(1).mean())[1],
                            EMBEDDED, OTHERS),
    "triplet of the batch": (triplet, EMBEDDED, CLASSES),
    "triplet": (lambda a, b: jax.nn.relu(jnp.linalg.norm(a - b, axis=1) - jnp.linalg.norm(a - b[::-1], axis=1) + 0.2).mean(), EMBEDDED,
        OTHERS),
    "centres of classes": (lambda a, y, c: ((a - c[y]) ** 2).sum(1).mean(), EMBEDDED, CLASSES, uniform(7, 48)),
    "arcface": (arcface, EMBEDDED, uniform(7, 48), CLASSES),
    "Barlow twins": (barlow, EMBEDDED, OTHERS),
    "VICReg": (vicreg, EMBEDDED, OTHERS),
    "maximum mean discrepancy": (mmd, EMBEDDED, OTHERS),
    "CORAL": (coral, EMBEDDED, OTHERS),
    "sliced Wasserstein": (lambda a, b, w: ((jnp.sort(a @ w, 0) - jnp.sort(b @ w, 0)) ** 2).mean(), EMBEDDED, OTHERS, uniform(48, 33)),
    "energy distance": (lambda a, b: 2 * jnp.sqrt(squared_distances(a, b) + 1).mean() - jnp.sqrt(squared_distances(a, a) + 1).mean()
                        - jnp.sqrt(squared_distances(b, b) + 1).mean(), EMBEDDED, OTHERS),
    "gradient penalty": (wgan_penalty, uniform(48, 64), uniform(64, 1), EMBEDDED, OTHERS),
    "evidence": (elbo, P, T, uniform(257, 101)),
    "PPO": (ppo, P, T, uniform(257, 101)),
    "DPO": (dpo, P, T, LABELS, uniform(257, 101)),
    "Bradley-Terry": (lambda x, i, j: -jax.nn.log_sigmoid(x[i] - x[j]).mean(), uniform(500), integers(4000, high=500),
        integers(4000, high=500)),
    "word2vec": (lambda e, c, i, j, n: -(jax.nn.log_sigmoid((e[i] * c[j]).sum(1)) + jax.nn.log_sigmoid(-jnp.einsum("bd,bkd->bk", e[i],
        c[n])).sum(1)).mean(),
                 uniform(1000, 50), uniform(1000, 50), integers(256, high=1000), integers(256, high=1000), integers(256, 5, high=1000)),
    "matrix factorisation": (lambda u, v, b, i, j, r: ((r - (u[i] * v[j]).sum(1) - b[j]) ** 2).mean() + 0.01 * (u[i] ** 2).mean(),
                             uniform(943, 20), uniform(1682, 20), uniform(1682), integers(2048, high=943), integers(2048, high=1682),
                                 uniform(2048)),
    "TransE": (lambda e, r, t, n: jax.nn.relu(1 + jnp.abs(e[t[:, 0]] + r[t[:, 1]] - e[t[:, 2]]).sum(1) - jnp.abs(e[t[:, 0]] + r[t[:,
        1]] - e[n]).sum(1)).mean(),
               uniform(700, 33), uniform(20, 33), np.stack([integers(500, high=700), integers(500, high=20), integers(500, high=700)], 1),
                   integers(500, high=700)),
    "boxes, overlaps": (iou, uniform(100, 4), uniform(150, 4)),
    "pictures, SSIM": (ssim, MAPS, uniform(3, 65, 67, 5)),
    "pictures, total variation": (total_variation, MAPS),
    "pictures, Gram matrices": (gram, MAPS),
    "pictures, signal to noise": (lambda a, b: -10 * jnp.log10(((a - b) ** 2).mean((1, 2, 3))), MAPS, uniform(3, 65, 67, 5)),
    "pictures, gradient difference": (lambda a, b: jnp.abs(jnp.diff(a, axis=1) - jnp.diff(b, axis=1)).mean() + jnp.abs(jnp.diff(a,
        axis=2) - jnp.diff(b, axis=2)).mean(),
                                      MAPS, uniform(3, 65, 67, 5)),
    "time warping, soft": (soft_edit, EMBEDDED, OTHERS),
    "chamfer": (lambda a, b: (d := squared_distances(a, b), d.min(0).mean() + d.min(1).mean())[1], uniform(400, 3), uniform(300, 3)),
    "laplacian of a mesh": (lambda v, f: (s := jnp.zeros_like(v).at[f].add(v[jnp.roll(f, 1, 1)] - v[f]), (s * s).sum())[1], uniform(500, 3),
        integers(900, 3, high=500)),
}
METRICS = {
    "NDCG": (ndcg, P, T),
    "AUC": (auc, P, BINARY),
    "calibration": (calibration, P, LABELS),
    "confusion": (confusion, P, LABELS),
    "accuracy": (lambda x, y: (x.argmax(1) == y).mean(), P, LABELS),
    "accuracy of 5": (lambda x, y: (lax.top_k(x, 5)[1] == y[:, None]).any(1).mean(), P, LABELS),
    "F1": (lambda x, y: (p := (x > 0), t := (p * y).sum(0), 2 * t / jnp.maximum(p.sum(0) + y.sum(0), 1))[2].mean(), P, BINARY),
    "mean reciprocal rank": (lambda x, y: (1 / (1 + (x > jnp.take_along_axis(x, y[:, None], 1)).sum(1))).mean(), P, LABELS),
    "average precision": (lambda x, y: (o := jnp.argsort(-x, 1), t := jnp.take_along_axis(y, o, 1),
                                       (jnp.cumsum(t, 1) / jnp.arange(1, 102) * t).sum(1) / jnp.maximum(t.sum(1), 1))[2].mean(), P, BINARY),
    "Matthews": (lambda x, y: jnp.corrcoef((x > 0).reshape(-1), y.reshape(-1))[0, 1], P, BINARY),
    "mean of overlaps": (lambda x, y: (c := jnp.zeros((5, 5)).at[y.reshape(-1), x.argmax(-1).reshape(-1)].add(1),
        (jnp.diagonal(c) / (c.sum(0) + c.sum(1)
        - jnp.diagonal(c))).mean())[1], MAPS, MASK),
    "suppression of boxes": (suppression, uniform(200, 4), uniform(200)),
}

TYPED = ["focal", "label smoothing", "Kullback-Leibler", "smooth L1", "Poisson", "dice", "contrastive", "triplet of the batch", "Plackett-Luce",
         "sliced Wasserstein", "mixture density"]
FIRST = ["focal", "label smoothing", "smooth L1", "evidence", "contrastive"]


def hessian_by_ones(function):
    return lambda x, *a: jax.jvp(jax.grad(lambda x: function(x, *a)), (x,), (jnp.ones_like(x),))[1]


add_all("loss", LOSSES | METRICS)
add_all("grad loss", LOSSES, of=gradient)
for dtype in (jnp.bfloat16, jnp.float16, jnp.float64):
    add_all("loss", LOSSES, TYPED, dtype=dtype)
    add_all("grad loss", LOSSES, TYPED, gradient, dtype)
add_all("value and grad loss", LOSSES, FIRST, jax.value_and_grad)
add_all("hessian by vector of loss", LOSSES, FIRST, hessian_by_ones)
