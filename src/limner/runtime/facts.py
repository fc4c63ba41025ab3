"""The free parts of a file's metadata: what may stand there is open, but what limner reads of it is of the type that it relies on."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

_Count = Annotated[int, Field(ge=0, le=10**12)]


class _Facts(BaseModel):
    """Base: other keys may stand beside the known ones; numbers are numbers, not their names."""

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)


class _TrainingData(_Facts):
    name: str | None = None
    title: str | None = None
    licence: str | None = None
    citation: str | None = None
    address: str | None = None
    train: _Count | None = None
    val: _Count | None = None
    test: _Count | None = None
    split: str | None = None
    split_sha256: str | None = None
    hashes: dict[str, list[str]] | None = None


class _Parity(_Facts):
    max_prob_difference: float
    mask_agreement: float
    n: _Count


class _Score(_Facts):
    name: str
    convention: str
    value: float | None
    n: _Count
    part: str | None = None


def _holds(kind: type[_Facts]) -> AfterValidator:
    """A validator that leaves a value as it is."""

    def check(value: dict[str, Any]) -> dict[str, Any]:
        try:
            kind.model_validate(value)
        except ValidationError as error:
            fault = error.errors()[0]
            raise ValueError(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}") from None
        return value

    return AfterValidator(check)


TrainingData: TypeAlias = Annotated[dict[str, Any], _holds(_TrainingData)]
Parity: TypeAlias = Annotated[dict[str, Any], _holds(_Parity)]
ScoreFacts: TypeAlias = Annotated[dict[str, Any], _holds(_Score)]
