"""PyTorch on the CPU: the equations of the method, its gradients by autograd. Speaks the protocol of child.ts."""

import json
import math
import os
import re
import resource
import statistics
import sys
import time

import numpy
import torch
import torch.nn.functional as F

TAU = 2 / 3
BETA = 0.01
# As in child.ts: a run longer than this many seconds is timed once.
LONG_RUN = 10

def load(job, name):
    tensor = job["tensors"][name]
    loaded = torch.from_numpy(numpy.fromfile(tensor["file"], dtype=numpy.float32)).reshape(tensor["shape"])
    # Only these are inputs and weights of convolutions.
    return loaded.to(memory_format=job["memory format"]) if loaded.dim() == 5 else loaded


def encoder(weights, x):
    def conv(layer, x):
        return F.conv3d(x, weights[layer + ".weight"], weights[layer + ".bias"], padding=1)

    skips = []
    for level in range(4):
        skips.append(F.relu(conv(f"encoder.block{level}", x)))
        x = F.max_pool3d(skips[-1], 2)
    x = F.relu(conv("encoder.block4", x))
    for level in range(3, -1, -1):
        x = torch.cat([F.interpolate(x, scale_factor=2, mode="nearest"), skips[level]], 1)
        x = F.relu(conv(f"encoder.block{8 - level}", x))
    return conv("encoder.conv", x)


def decoder(weights, sample):
    return torch.sigmoid(F.conv3d(sample, weights["decoder.weight"], weights["decoder.bias"], padding=1))


def neighbour_sums(p, k):
    """Sums over the k*k*k cube around each voxel without its centre, edges replicated."""
    r = k // 2
    return F.avg_pool3d(F.pad(p, (r,) * 6, mode="replicate"), k, stride=1) * k**3 - p


def objective(weights, scan, prior, table, weight, noise):
    """docs/equations.md's loss and its terms, for given noise."""
    logits = encoder(weights, scan)
    logits = torch.where(prior < 1e-8, logits - 1e12, logits)
    log_pi = F.log_softmax(logits, 1)
    pi = log_pi.exp()
    gumbel = -torch.log(-torch.log(noise + 1e-20) + 1e-20)
    soft = F.softmax((logits + gumbel) / TAU, 1)
    hard = torch.zeros_like(soft).scatter_(1, soft.argmax(1, keepdim=True), 1.0)
    sample = hard - soft.detach() + soft
    squared = ((decoder(weights, sample) - scan) ** 2).sum()
    p = prior + 1e-12
    divergence = (pi * (log_pi - torch.log(p / p.sum(1, keepdim=True)))).sum()
    message = F.conv3d(neighbour_sums(pi, 3), table[:, :, None, None, None])
    mrf = -BETA * (pi * message).sum()
    return weight * squared + divergence + mrf, {"squared error": squared, "divergence": divergence, "mrf": mrf}


def conv_task(job):
    x, incoming, weight = (load(job, name) for name in ("x", "incoming", "weight"))
    work = {
        "conv forward": lambda: F.conv3d(x, weight, padding=1),
        "conv grad input": lambda: torch.nn.grad.conv3d_input(x.shape, weight, incoming, padding=1),
        "conv grad weight": lambda: torch.nn.grad.conv3d_weight(x, weight.shape, incoming, padding=1),
    }[job["work"]]
    return lambda: {"result": work()}, work


def transposed_task(job):
    x, incoming, weight = (load(job, name) for name in ("x", "incoming", "weight"))
    end = (weight.shape[2] - 1) // 2
    work = {
        "forward": lambda: F.conv_transpose3d(x, weight, stride=2, padding=end, output_padding=end),
        "grad input": lambda: F.conv3d(incoming, weight, stride=2, padding=end),
        "grad weight": lambda: torch.nn.grad.conv3d_weight(incoming, weight.shape, x, stride=2, padding=end),
    }[re.search(r"k \d (.*)", job["work"])[1]]
    return lambda: {"result": work()}, work


def network_task(job, weights):
    scan = load(job, "scan")

    def forward():
        logits = encoder(weights, scan)
        loss = ((decoder(weights, F.softmax(logits, 1)) - scan) ** 2).sum()
        return {"logits": logits, "loss": loss}

    if job["work"] == "unet forward":

        def run():
            with torch.no_grad():
                return forward()

        return run, run

    def run():
        outputs = forward()
        return {**outputs, **named(weights, torch.autograd.grad(outputs["loss"], list(weights.values())))}

    return run, run


def step_task(job, weights):
    scan, prior, table = (load(job, name) for name in ("scan", "prior", "mrf table"))
    weight = load(job, "reconstruction weight")
    adam = torch.optim.Adam(weights.values(), lr=1e-3)

    def check():
        loss, terms = objective(weights, scan, prior, table, weight, load(job, "noise"))
        return {"loss": loss, **terms, **named(weights, torch.autograd.grad(loss, list(weights.values())))}

    def run():
        adam.zero_grad()
        loss, _ = objective(weights, scan, prior, table, weight, torch.rand(prior.shape))
        loss.backward()
        adam.step()
        if not math.isfinite(loss.item()):
            raise ValueError("the loss is not finite")

    return check, run


def segment_task(job, weights):
    scan, prior = load(job, "scan"), load(job, "prior")

    def run():
        with torch.no_grad():
            logits = encoder(weights, scan)
            return {"labels": torch.where(prior < 1e-8, logits - 1e12, logits).argmax(1).float()}

    return run, run


def named(weights, gradients):
    return {f"gradient of {name}": gradient for name, gradient in zip(weights, gradients)}


def prepare(job, memory_format):
    """Two functions: one returns every result to compare, the other is timed."""
    job = {**job, "memory format": memory_format}
    if job["work"].startswith("conv"):
        return conv_task(job)
    if job["work"].startswith("transposed"):
        return transposed_task(job)
    names = [name for name in job["tensors"] if name.endswith((".weight", ".bias"))]
    weights = {name: load(job, name).requires_grad_() for name in names}
    if job["work"].startswith("unet"):
        return network_task(job, weights)
    return {"step": step_task, "segment": segment_task}[job["work"]](job, weights)


def save(job, results):
    for name, tensor in results.items():
        flat = tensor.detach().contiguous().reshape(-1)
        stride = math.ceil(flat.numel() / 1e6)
        flat[::stride].contiguous().numpy().tofile(os.path.join(job["out"], name + ".f32"))


def once(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def seconds(run):
    """Of each run. One has gone before, which is not counted."""
    samples = []
    while not samples or (samples[0] <= LONG_RUN and (len(samples) < 3 or sum(samples) < 2)):
        samples.append(once(run))
    return samples


FORMATS = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last_3d}


def fastest_setting(job):
    """The number of threads and the memory format of inputs and weights that are fastest, and the work with them."""
    trials = []
    for threads in sorted({os.cpu_count(), max(1, os.cpu_count() // 2)}, reverse=True):
        torch.set_num_threads(threads)
        for name, memory_format in FORMATS.items():
            _, run = prepare(job, memory_format)
            run()
            trials.append((once(run), threads, name, run))
            if trials[0][0] > LONG_RUN:
                break  # Such a run is too long to try every setting.
    _, threads, name, run = min(trials, key=lambda trial: trial[0])
    torch.set_num_threads(threads)
    return run, f"{threads} threads, {name}"


def main():
    replies = os.fdopen(3, "w")
    job = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if "check" in request:
                job = request["check"]
                check, _ = prepare(job, torch.contiguous_format)
                save(job, check())
                reply = {}
            else:
                run, setting = fastest_setting(job)
                samples = seconds(run)
                reply = {
                    "milliseconds": 1000 * statistics.median(samples),
                    "bestMilliseconds": 1000 * min(samples),
                    "setting": setting,
                    "processBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                }
        except Exception as error:  # The benchmark reports any failure as a row.
            reply = {"error": f"{type(error).__name__}: {error}"}
        replies.write(json.dumps(reply) + "\n")
        replies.flush()


main()
