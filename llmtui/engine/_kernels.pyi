VERSION: int

def multiply(
    kind: int,
    weights: int,
    start: int,
    scales: int,
    bias: int,
    ins: int,
    outs: int,
    before: int,
    norm_weight: int,
    norm_bias: int,
    epsilon: float,
    after: int,
    x: int,
    stride: int,
    rows: int,
    y: int,
    /,
) -> None: ...
def rotate(x: int, stride: int, rows: int, heads: int, dim: int, cos: int, sin: int, /) -> None: ...
def attend(
    keys_values: int,
    places: int,
    kv_heads: int,
    capacity: int,
    dim: int,
    rows: int,
    numbers: int,
    row_places: int,
    ends: int,
    longest: int,
    window: int,
    queries: int,
    query_stride: int,
    new_rows: int,
    new_stride: int,
    heads: int,
    scale: float,
    attended: int,
    /,
) -> None: ...
def find_facts(
    rows: int, count: int, vocab: int, depth: int, facts: int, room: int, ids: int, values: int, found: int, /
) -> None: ...
