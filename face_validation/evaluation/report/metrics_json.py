"""metrics.json: everything of a summary that a script may want to read."""

import math

from face_validation.evaluation.report import metrics_schema as shape
from face_validation.evaluation.report.study import Study, ThresholdChoice
from face_validation.evaluation.report.summary import CaseFigures, Summary
from face_validation.evaluation.statistics.confusion import ConfusionMatrix
from face_validation.evaluation.statistics.differentials import Differentials
from face_validation.evaluation.statistics.intervals import F1Score, Rate
from face_validation.evaluation.statistics.review import ReviewBand
from face_validation.evaluation.statistics.sp800_63a import Assessment

_COUNTS = (
    "true_positives",
    "true_negatives",
    "false_positives",
    "false_negatives",
    "expected_errors",
    "unexpected_errors",
    "missing_errors",
    "failures",
)
_RATES = (
    "accuracy",
    "pair_accuracy",
    "error_accuracy",
    "precision",
    "recall",
    "f1",
    "fmr",
    "fnmr",
    "failure_to_acquire",
)


def metrics_of(summary: Summary) -> shape.MetricsModel:
    """metrics.json of a summary."""
    run, cases = summary.run, summary.cases
    acquire = summary.acquisition.acquire
    return shape.MetricsModel(
        schema=2,
        cases=run.cases_name,
        service=run.service,
        machine=run.machine,
        versions=run.versions,
        threshold=summary.threshold,
        notices=run.notices,
        sessions=[
            shape.SessionModel(started=one.started, asked=one.asked, jobs=one.jobs, seconds=one.seconds)
            for one in run.sessions
        ],
        failure_to_enrol=rate_model(summary.acquisition.enrol),
        failure_to_acquire=None if acquire is None else rate_model(acquire),
        scores=[_study(study) for study in summary.studies],
        doubtful_labels=[
            shape.DoubtfulLabelModel(name=item.name, similarity=item.similarity, is_match=item.is_match)
            for item in summary.gallery
            if item.label_is_doubtful
        ],
        throughput_per_s=None if cases is None else cases.throughput,
        overall=None if cases is None else _confusion(cases.overall),
        groups=[]
        if cases is None
        else [
            shape.GroupModel(dimension=group.dimension, name=group.name, **_confusion(group.confusion).model_dump())
            for group in cases.groups
        ],
        latency_s={} if cases is None else _latency(cases),
        wrong=[] if cases is None else _wrong(cases),
        rejection=[]
        if cases is None
        else [
            shape.RejectionModel(measure=one.measure, pairs=one.pairs, rejected=list(one.rejected), fnmr=list(one.fnmr))
            for one in cases.rejection
        ],
        rejection_threshold=None if cases is None else cases.rejection_threshold,
    )


def rate_model(rate: Rate | F1Score) -> shape.RateModel | None:
    """Value and 95 % interval, with the counts of a rate; None of nothing."""
    if rate.value is None or rate.interval is None:
        return None
    low, high = rate.interval
    if isinstance(rate, F1Score):
        return shape.RateModel(value=rate.value, low=low, high=high)
    return shape.RateModel(value=rate.value, low=low, high=high, hits=rate.hits, of=rate.of, independent=rate.effective)


def _confusion(confusion: ConfusionMatrix) -> shape.ConfusionModel:
    counts = {name: getattr(confusion, name) for name in _COUNTS}
    rates = {name: rate_model(getattr(confusion, name)) for name in _RATES}
    return shape.ConfusionModel.model_validate({"cases": confusion.count(), **counts, **rates})


def _study(study: Study) -> shape.StudyModel:
    return shape.StudyModel(
        name=study.name,
        matches=int(study.pairs.match_scores.size),
        non_matches=int(study.pairs.non_match_scores.size),
        persons=study.persons,
        intervals="wilson" if study.persons is None else "wilson over persons",
        auc=study.auc,
        eer=None if study.eer is None else shape.EqualErrorModel(value=study.eer.rate, threshold=study.eer.threshold),
        choices=[_choice(choice) for choice in study.choices],
        safe=None
        if study.safe is None
        else shape.SafeModel(
            threshold=study.safe.threshold,
            most_fmr=study.safe.most_fmr,
            fmr=rate_model(study.safe.fmr),
            fnmr=rate_model(study.safe.fnmr),
        ),
        sp800_63a_4=[_assessment(one) for one in study.assessments],
        differentials=None if study.differentials is None else _differentials(study.differentials),
        review=[_review(band) for band in study.bands],
        curve=shape.CurveModel(
            threshold=study.rates.thresholds.tolist(),
            fmr=[None if math.isnan(value) else value for value in study.rates.fmr.tolist()],
            fnmr=[None if math.isnan(value) else value for value in study.rates.fnmr.tolist()],
        ),
    )


def _choice(choice: ThresholdChoice) -> shape.ChoiceModel:
    return shape.ChoiceModel(
        reason=choice.reason.value,
        threshold=choice.threshold,
        target_fmr=choice.target_fmr,
        fmr=rate_model(choice.fmr),
        fnmr=rate_model(choice.fnmr),
        support=None if choice.support is None else choice.support.value,
        needed=choice.needed,
        interval_is_doubtful=choice.is_doubtful,
        fpir=[
            shape.ExtrapolationModel(enrolled=one.enrolled, value=one.value, low=one.low, high=one.high)
            for one in choice.searches
        ],
    )


def _assessment(assessment: Assessment) -> shape.AssessmentModel:
    return shape.AssessmentModel(
        threshold=assessment.threshold,
        verdict=assessment.verdict.value,
        groups_are_known=assessment.groups_are_known,
        requirements=[
            shape.RequirementModel.model_validate(
                {
                    "name": one.name,
                    "group": one.group,
                    "limit": one.limit,
                    "rate": rate_model(one.rate),
                    "verdict": one.verdict.value,
                    "more_pairs": one.more_pairs,
                }
            )
            for one in assessment.requirements
        ],
    )


def _differentials(found: Differentials) -> shape.DifferentialsModel:
    return shape.DifferentialsModel(
        threshold=found.threshold,
        groups=[
            shape.GroupRatesModel(
                name=one.name, persons=one.persons, fmr=rate_model(one.fmr), fnmr=rate_model(one.fnmr)
            )
            for one in found.groups
        ],
        cross=[
            shape.CrossRateModel(first=one.first, second=one.second, fmr=rate_model(one.fmr)) for one in found.cross
        ],
        too_small=list(found.too_small),
        false_positive=found.false_positive,
        false_negative=found.false_negative,
    )


def _review(band: ReviewBand) -> shape.ReviewModel:
    return shape.ReviewModel(
        threshold_review=band.threshold_review,
        threshold=band.threshold,
        matches_reviewed=rate_model(band.matches_reviewed),
        non_matches_reviewed=rate_model(band.non_matches_reviewed),
        fmr=rate_model(band.fmr),
        fnmr=rate_model(band.fnmr),
    )


def _latency(cases: CaseFigures) -> dict[str, shape.LatencyModel]:
    return {
        name: shape.LatencyModel(
            requests=one.requests,
            p50=round(one.p50, 4),
            p95=round(one.p95, 4),
            p99=round(one.p99, 4),
            longest=round(one.longest, 4),
        )
        for name, one in cases.latency.items()
    }


def _wrong(cases: CaseFigures) -> list[shape.WrongModel]:
    return [
        shape.WrongModel(
            case_id=one.result.case.case_id,
            expected=one.result.case.expected.value,
            answer=one.answer.value,
            similarity=one.result.similarity,
            code=one.result.code,
            details=one.result.details,
            note=one.result.case.note,
        )
        for one in cases.wrong
    ]
