"""How llmtui speaks with the Hugging Face Hub: addresses, headers, time limits, and its errors as ours."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

from llmtui.models.errors import ModelForbidden, ModelNotFound, ModelUnreachable

if TYPE_CHECKING:
    import httpx2

# To connect, and between two pieces of an answer.
REQUEST_SECONDS = 8.0


def endpoint() -> str:
    """The Hub's address, as HF_ENDPOINT says."""
    from huggingface_hub import constants

    return constants.ENDPOINT


def file_url(repo_id: str, commit: str, name: str) -> str:
    return f"{endpoint()}/{repo_id}/resolve/{quote(commit, safe='')}/{quote(name)}"


def info_url(repo_id: str, revision: str) -> str:
    return f"{endpoint()}/api/models/{repo_id}/revision/{quote(revision, safe='')}?blobs=true"


@contextmanager
def get(url: str, headers: Mapping[str, str] | None = None) -> "Iterator[httpx2.Response]":
    """The Hub's answer to a GET, its body still to be read. Raises what `hub_errors` translates."""
    from huggingface_hub import get_session
    from huggingface_hub.utils import hf_raise_for_status  # type: ignore[attr-defined]

    _keep_off_the_terminal()
    sent = {**_request_headers(), **(headers or {})}
    with get_session().stream("GET", url, headers=sent, timeout=REQUEST_SECONDS) as response:
        hf_raise_for_status(response)
        yield response


@contextmanager
def hub_errors(repo_id: str) -> Iterator[None]:
    """Turn what huggingface_hub and its HTTP client raise about `repo_id` into a ModelError with one sentence."""
    import httpx2
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        yield
    except GatedRepoError:
        raise ModelForbidden(
            f"{repo_id} is gated: accept its licence at {endpoint()}/{repo_id}, then set HF_TOKEN to your access token"
        ) from None
    except RevisionNotFoundError:
        raise ModelNotFound(f"{repo_id} has no such revision: give a branch, a tag or a commit that it has") from None
    except (RepositoryNotFoundError, HFValidationError):
        raise ModelNotFound(
            f"the Hub has no model {repo_id}: check the spelling; a private one looks the same until HF_TOKEN is set"
        ) from None
    except EntryNotFoundError:
        raise ModelNotFound(f"the Hub lists a file of {repo_id} that it does not have: try again later") from None
    except OfflineModeIsEnabled:
        raise ModelUnreachable(
            f"{repo_id} is not on this machine and HF_HUB_OFFLINE is set: unset it to download the model"
        ) from None
    except HfHubHTTPError as error:
        raise _for_status(repo_id, error.response.status_code) from None
    except httpx2.TimeoutException:
        raise too_slow(repo_id) from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise ModelUnreachable(
            f"{repo_id} is not on this machine and {endpoint()} cannot be reached ({type(error).__name__}): "
            "check the network, or name a folder"
        ) from None


def too_slow(repo_id: str) -> ModelUnreachable:
    return ModelUnreachable(
        f"{repo_id} is not on this machine and {endpoint()} does not answer: check the network, or name a folder"
    )


def not_a_hub() -> ModelUnreachable:
    return ModelUnreachable(
        f"{endpoint()} does not answer as the Hugging Face Hub does: check HF_ENDPOINT and the network"
    )


def _keep_off_the_terminal() -> None:
    """huggingface_hub logs to stderr by a handler of its own: what it says goes where our log goes."""
    library = logging.getLogger("huggingface_hub")
    for handler in [handler for handler in library.handlers if type(handler) is logging.StreamHandler]:
        library.removeHandler(handler)


def _request_headers() -> dict[str, str]:
    """The person's token if there is one, and no compression, so that bytes can be counted.

    Not huggingface_hub's own headers: making those asks the Hub for a list of known agents.
    """
    from huggingface_hub import constants, get_token

    headers = {"User-Agent": "llmtui", "Accept-Encoding": "identity"}
    token = None if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN else get_token()
    return headers if token is None else {**headers, "Authorization": f"Bearer {token}"}


def _for_status(repo_id: str, status: int) -> ModelForbidden | ModelNotFound | ModelUnreachable:
    if status == 401:
        return ModelForbidden(f"the Hub refuses your token for {repo_id}: set HF_TOKEN to a valid access token")
    if status == 403:
        return ModelForbidden(f"the Hub does not let you have {repo_id}: set HF_TOKEN to a token that may read it")
    if status in (404, 410):
        return ModelNotFound(f"the Hub has no model {repo_id}: check the spelling")
    return ModelUnreachable(f"the Hub answered {status} for {repo_id}: try again later")
