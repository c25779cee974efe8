"""Takes a model out of the Hugging Face cache."""

from dataclasses import replace

from llmtui.models.errors import ModelError, ModelNotFound
from llmtui.models.hub_cache import cache_dir


def remove_cached(repo_id: str) -> int:
    """Delete every revision of a model from the cache; the bytes that it took.

    What other models share with it stays. Raises ModelNotFound if it is not there, ModelError if it cannot be deleted.
    """
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        cache = scan_cache_dir(cache_dir())
        mine = {repo for repo in cache.repos if repo.repo_type == "model" and repo.repo_id == repo_id}
        if not mine:
            raise ModelNotFound(f"{repo_id} is not in the Hugging Face cache")
        # of this repository alone: copies of one have the same commits
        only_mine = replace(cache, repos=frozenset(mine))
        deletion = only_mine.delete_revisions(*(revision.commit_hash for repo in mine for revision in repo.revisions))
        deletion.execute()
    except CacheNotFound:
        raise ModelNotFound(f"{repo_id} is not in the Hugging Face cache") from None
    except OSError as error:
        raise ModelError(f"{repo_id} cannot be deleted: {error.strerror or error}") from None
    return deletion.expected_freed_size
