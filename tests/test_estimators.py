"""The scikit-learn estimators: scikit-learn's own battery, and what it does not ask."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.utils.estimator_checks import parametrize_with_checks

from deepworth import DeepWorthClassifier, DeepWorthRegressor
from deepworth.errors import Drifted

QUICK = {"time": "30s", "models": ("linear",)}
ESTIMATORS = (DeepWorthClassifier, DeepWorthRegressor)


@parametrize_with_checks([estimator(**QUICK) for estimator in ESTIMATORS])
def test_scikit_learn_checks_with_one_model(estimator: BaseEstimator, check: Any) -> None:
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([estimator() for estimator in ESTIMATORS])
def test_scikit_learn_checks_as_they_come(estimator: BaseEstimator, check: Any) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def tumours() -> tuple[pd.DataFrame, pd.Series]:
    data = load_breast_cancer(as_frame=True)
    return data.data, data.target.map({0: "malignant", 1: "benign"})


@pytest.fixture(scope="module")
def fitted(tumours: tuple[pd.DataFrame, pd.Series]) -> DeepWorthClassifier:
    return DeepWorthClassifier(**QUICK).fit(*tumours)


def test_classifier_tells_its_verdict(fitted: DeepWorthClassifier) -> None:
    assert list(fitted.classes_) == ["benign", "malignant"]
    assert fitted.n_features_in_ == 30
    assert fitted.verdict_.verdict == "cannot tell yet"  # one linear model: nothing deep to compare with
    assert fitted.run_.best.key == fitted.verdict_.winner


def test_classifier_learns(fitted: DeepWorthClassifier, tumours: tuple[pd.DataFrame, pd.Series]) -> None:
    frame, labels = tumours
    assert fitted.score(frame, labels) > 0.93
    probabilities = fitted.predict_proba(frame)
    assert probabilities.shape == (569, 2)
    np.testing.assert_allclose(probabilities.sum(1), 1)


def test_pickle_and_its_copy_outlive_the_original(tumours: tuple[pd.DataFrame, pd.Series]) -> None:
    frame, labels = tumours
    estimator = DeepWorthClassifier(**QUICK).fit(frame, labels)
    expected = estimator.predict_proba(frame)
    stored = pickle.dumps(estimator)
    folder = estimator.run_.folder
    del estimator
    assert not folder.exists()
    copy = pickle.loads(stored)  # noqa: S301 - our own bytes
    np.testing.assert_array_equal(copy.predict_proba(frame), expected)
    assert copy.verdict_ == copy.run_.verdict
    assert len(stored) < 1e6


def test_clone_is_unfitted(fitted: DeepWorthClassifier) -> None:
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    assert not hasattr(copy, "run_")


def test_frames_keep_their_kinds() -> None:
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"town": draw.choice(["Ulm", "Bonn", "Kiel"], 300), "y": draw.normal(size=300)})
    frame.index = frame.index[::-1]  # an index that is no column
    price = 10.0 * (frame["town"] == "Ulm") + frame["y"]
    estimator = DeepWorthRegressor(**QUICK).fit(frame, price)
    assert {c.name: c.kind for c in estimator.run_.dataset.columns} == {"town": "category", "y": "number"}
    assert estimator.score(frame, price) > 0.9


def test_a_class_too_rare_to_learn_has_no_probability() -> None:
    draw = np.random.default_rng(0)
    features = draw.normal(size=(120, 3))
    labels = np.where(features[:, 0] > 0, "b", "c")
    labels[0] = "a"
    estimator = DeepWorthClassifier(**QUICK).fit(features, labels)
    assert list(estimator.classes_) == ["a", "b", "c"]
    assert (estimator.predict_proba(features)[:, 0] == 0).all()


@pytest.mark.slow
def test_works_inside_scikit_learn() -> None:
    features, target = load_diabetes(return_X_y=True)
    train, test, train_target, test_target = train_test_split(features, target, random_state=0)
    assert DeepWorthRegressor(**QUICK).fit(train, train_target).score(test, test_target) > 0.3
    assert cross_val_score(DeepWorthRegressor(**QUICK), features, target, cv=3).mean() > 0.3


def test_an_array_is_read_by_position_where_a_frame_was_learned_and_the_other_way_round(
    fitted: DeepWorthClassifier, tumours: tuple[pd.DataFrame, pd.Series]
) -> None:
    frame, labels = tumours
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        np.testing.assert_array_equal(fitted.predict(frame.to_numpy()), fitted.predict(frame))
    by_array = DeepWorthClassifier(**QUICK).fit(frame.to_numpy(), labels)
    with pytest.warns(UserWarning, match="fitted without feature names"):
        np.testing.assert_array_equal(by_array.predict(frame), by_array.predict(frame.to_numpy()))


def test_that_rows_differ_is_said_once_by_the_folds_of_a_cross_validation() -> None:
    def predict(rows: pa.Table) -> np.ndarray:
        warnings.warn("these rows differ", Drifted, stacklevel=2)
        return np.zeros(len(rows))

    said, rows = [], pa.table({"a column of this test": [1.0]})
    for run in ("first fold", "second fold", "first fold"):
        estimator = DeepWorthRegressor()
        estimator.run_ = SimpleNamespace(folder=Path(run))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            estimator._told(predict, rows, depth=2)
        said.append([(one.category, Path(one.filename).name) for one in caught])
    assert said == [[(Drifted, "test_estimators.py")], [], [(Drifted, "test_estimators.py")]]


def test_a_model_may_be_named_as_on_the_command_line(tumours: tuple[pd.DataFrame, pd.Series]) -> None:
    estimator = DeepWorthClassifier(time="30s", models="prior, linear", rungs="floor,classical").fit(*tumours)
    assert {trial.model for trial in estimator.verdict_.trials} == {"prior", "linear"}
