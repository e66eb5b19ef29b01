"""The words of the latent laboratory, English and Chinese: one table for each tool. The studio and a page of its own say them."""

from gan_core.texts import arithmetic, check, directions, find, inside, lab, mine, paths, shared, site, walk

Table = dict[str, tuple[str, str]]

TABLES: dict[str, Table] = {
    module.__name__.rpartition(".")[2]: module.TEXT
    for module in (lab, walk, directions, paths, arithmetic, inside, find, check, mine, site, shared)
}
