"""Asking for help: choose what it is about, fill in, check, send. No account is needed."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import Final

from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from tracker.clock import utc_now
from tracker.config import Settings
from tracker.database import db, transaction
from tracker.errors import NotFoundError, Refusal, RefusedError, StaleError
from tracker.notifications.channels.text_message import can_send_texts
from tracker.organisation import queries as organisation
from tracker.organisation.models import Area, Category
from tracker.permissions import resident
from tracker.privacy import find_personal_data, format_phone
from tracker.search_text import bigrams
from tracker.service_requests import links, queries
from tracker.service_requests.actions import drafts, intake
from tracker.service_requests.actions.photos import MOST_AT_ONCE, add_to_draft, remove_from_draft
from tracker.service_requests.forms.ask import AskForm, SendForm
from tracker.service_requests.models import Photo, ServiceRequest, SubmissionDraft
from tracker.service_requests.photos import StoredPhoto
from tracker.service_requests.similar import SimilarRequest, similar_open_requests
from tracker.service_requests.views import draft_keys, receipts
from tracker.service_requests.views.uploads import delete_files, kept_uploads
from tracker.web import once
from tracker.web.access import public
from tracker.web.errors import problem, refusal_text
from tracker.web.throttle import (
    callers_network,
    count_attempt,
    is_exhausted,
)

blueprint = Blueprint("ask", __name__)

SENDINGS_AN_HOUR: Final = 30
DRAFTS_AN_HOUR: Final = 60
LOOK_UPS_AN_HOUR: Final = 120
"""How often one address learns what others ask for: four times for each that it may send."""
HOUR: Final = timedelta(hours=1)
_WORDS: Final = re.compile(r"[^\W\d_]{3,}")
_SAYING_NOTHING: Final = frozenset(
    [
        "the",
        "and",
        "for",
        "with",
        "need",
        "needs",
        "help",
        "please",
        "can",
        "could",
        "you",
        "our",
        "have",
        "has",
        "had",
        "who",
        "how",
        "some",
        "somebody",
        "someone",
        "want",
        "would",
        "like",
        "there",
        "this",
        "that",
        "from",
        "are",
        "not",
        "was",
        "were",
        "will",
        "does",
        "don",
        "any",
        "get",
        "but",
        "his",
        "her",
        "its",
        "their",
        "they",
        "she",
        "him",
    ]
)


@dataclass(frozen=True, slots=True)
class CategoryGroup:
    """A top-level category, and what below it a resident may choose."""

    top: Category
    leaves: Sequence[Category]


@blueprint.get("/requests/new")
@public
def new() -> ResponseReturnValue:
    """Ask what it is about: categories in plain words, with a search box."""
    words = request.args.get("q", "").strip()
    key = request.args.get("draft", "")
    groups = _category_groups()
    found = _matching(groups, words) if words else groups
    return render_template(
        "service_requests/ask_category.html",
        groups=found or groups,
        words=words,
        nothing_found=bool(words) and not found,
        draft_key=key if draft_keys.is_own(key) and _draft(key) is not None else None,
    )


@blueprint.get("/requests/new/form")
@public
def form() -> ResponseReturnValue:
    """Show an empty form. Nothing is kept before it is sent."""
    category = _offered_category(request.args.get("category", ""))
    if category is None:
        return redirect(url_for(".new"), 303)
    blank = _offer(AskForm(formdata=None, category_id=str(category.id)))
    return _form_page(blank, category, key=draft_keys.new_key(), draft=None)


@blueprint.route("/requests/new/<key>", methods=["GET", "POST"])
@public
def edit(key: str) -> ResponseReturnValue:
    """Show what was filled in, and keep what is filled in now."""
    if not drafts.is_key(key):
        message = "There is no such draft."
        raise NotFoundError(message)
    if request.method == "POST":
        return _keep(key)
    if not draft_keys.is_own(key):
        return _elsewhere_page()
    draft = _draft(key)
    if draft is None:
        return _gone_page()
    if draft.service_request_id is not None:
        return _to_receipt(draft.service_request_id)
    content = dict(draft.content)
    chosen = _offered_category(request.args.get("category", ""))
    if chosen is not None:
        content["category_id"] = str(chosen.id)
    filled = _offer(AskForm.from_draft(content))
    if "checked" in request.args:
        filled.validate()
    category = _offered_category(content.get("category_id", ""))
    if category is None:
        return redirect(url_for(".new", draft=key), 303)
    return _form_page(filled, category, key=key, draft=draft)


@blueprint.route("/requests/new/<key>/check", methods=["GET", "POST"])
@public
def check(key: str) -> ResponseReturnValue:
    """Show all that will be sent and who will see what; send it."""
    if not draft_keys.is_own(key):
        return _elsewhere_page()
    draft = _draft(key)
    if draft is None:
        return _gone_page()
    if draft.service_request_id is not None:
        return _to_receipt(draft.service_request_id)
    filled = _offer(AskForm.from_draft(draft.content))
    category = _offered_category(draft.content.get("category_id", ""))
    if category is None or not filled.validate():
        return redirect(url_for(".edit", key=key, checked=1), 303)
    send = SendForm.from_request()
    too_many = False
    if send.is_sent_and_valid():
        try:
            same_as_id = _offered_as_similar(send, filled, category)
            sent = _send(key, draft, filled, shown=send.shown.data or "", same_as_id=same_as_id)
        except StaleError:
            flash(_("It was changed in another window. Please look once more, and send it."))
            return redirect(url_for(".check", key=key), 303)
        if sent is not None:
            return redirect(url_for("track.receipt", token=sent), 303)
        too_many = True
    similar = _similar(category.id, filled.area_id.data)
    content = filled.content()
    return render_template(
        "service_requests/check.html",
        draft=draft,
        form=filled,
        send=send,
        shown=_mark_of(draft),
        category=category,
        area=db.session.get(Area, filled.area_id.data) if filled.area_id.data else None,
        content=content,
        phone=format_phone(content.phone, filled.country) if content.phone else "",
        similar=similar,
        personal_data=find_personal_data(content.need, filled.country),
        too_many=too_many,
    ), 429 if too_many else 200


@blueprint.post("/requests/new/<key>/discard")
@public
def discard(key: str) -> ResponseReturnValue:
    """Throw away what was filled in."""
    if not draft_keys.is_own(key):
        return _elsewhere_page()
    if _draft(key) is not None:
        with transaction():
            keys = drafts.discard(key, actor=resident())
        delete_files(keys)
    return redirect(url_for("home.index"), 303)


@blueprint.get("/requests/new/similar")
@public
def similar() -> ResponseReturnValue:
    """Return the open requests of one place and category as a piece of a page, for the script."""
    category = _offered_category(request.args.get("category", ""))
    area_id = request.args.get("area", "")
    found = _similar(category.id if category else None, int(area_id) if _is_id(area_id) else None)
    return render_template(
        "service_requests/ask_similar.html", similar=found
    ), 429 if found is None else 200


def _keep(key: str) -> ResponseReturnValue:
    """Keep what was typed, even when it is not in order yet, and lead on.

    Where the browser does not know any more that it began this draft, the words become a new one:
    nothing typed is lost, and whoever else knows the old address reads nothing of it.
    """
    draft_keys.remembered_browser()
    if draft_keys.is_own(key):
        return _keep_own(key, request.form.get("remove_photo"))
    if intake.submitted_with(key) is not None:
        return _elsewhere_page()
    return _keep_own(draft_keys.new_key(), None)


def _keep_own(key: str, removed: str | None) -> ResponseReturnValue:
    sent = _offer(AskForm.from_request())
    existing = _draft(key)
    category = _offered_category(request.form.get("category_id", ""))
    cannot_keep = _why_not_kept(key, sent, existing, category)
    if cannot_keep is not None:
        return cannot_keep
    content = sent.kept(request.form)
    kept = [photo for photo in existing.photos if photo.key != removed] if existing else []
    # A repeat brings what is there already: it finds room, so that what is wrong is named as before.
    room = MOST_AT_ONCE if once.was_taken() and kept else MOST_AT_ONCE - len(kept)
    photos = request.files.getlist("photos")
    with kept_uploads(photos, most=room, visitor=f"draft {key}") as uploads:
        problems = list(uploads.problems)
        try:
            _save(key, content, uploads.stored, removed)
        except RefusedError as refused:
            delete_files(photo.key for photo in uploads.stored)
            before = _draft(key)
            if before is not None and before.service_request_id is not None:
                return _answer_to_sent(before.service_request_id, sent)
            # The words are kept all the same; the photos are not: others came at the same moment.
            problems.append(refusal_text(refused.refusal))
            _save(key, content, (), removed)
    if removed:
        return redirect(url_for(".edit", key=key) + "#photo-field", 303)
    if category is None or request.form.get("go") == "category":  # or it was withdrawn meanwhile
        return redirect(url_for(".new", draft=key), 303)
    is_valid = sent.is_sent_and_valid()
    for words in problems:
        sent.complain(sent.photos, words)
    if is_valid and not problems:
        return redirect(url_for(".check", key=key), 303)
    return _form_page(sent, category, key=key, draft=_draft(key))


def _why_not_kept(
    key: str, sent: AskForm, existing: SubmissionDraft | None, category: Category | None
) -> ResponseReturnValue | None:
    """Return the answer to what is not kept as a draft; None for what is."""
    if existing is not None and existing.service_request_id is not None:
        return _answer_to_sent(existing.service_request_id, sent)
    if existing is None and intake.submitted_with(key) is not None:
        # It was sent, and forgotten since: a day ago, or when the private link was renewed. Kept
        # and sent once more, it would lead to the new link.
        return _gone_page()
    if category is None and not sent.kept(request.form):
        return redirect(url_for(".new"), 303)
    if existing is None and _has_kept_too_many():
        if category is None:
            return problem(429, _too_often_words())
        sent.form_errors.append(_too_often_words())
        return _form_page(sent, category, key=key, draft=None, status=429)
    return None


def _answer_to_sent(service_request_id: int, sent: AskForm) -> ResponseReturnValue:
    """Lead to the receipt of what was sent before; what is new is shown, to be added there."""
    made = db.session.get(ServiceRequest, service_request_id)
    is_same = made is not None and sent.validate() and intake.is_made_of(made, sent.content())
    if is_same and not any(file.filename for file in request.files.getlist("photos")):
        return _to_receipt(service_request_id)
    way_back = _receipt_of(service_request_id)
    return problem(409, refusal_text(Refusal.SENT_ALREADY), way_back=way_back)


def _save(
    key: str, content: dict[str, str], stored: Sequence[StoredPhoto], removed: str | None
) -> None:
    actor, now = resident(), utc_now()
    is_repeat = False
    try:
        with transaction():
            draft = drafts.save(key, content, actor=actor, now=now)
            if removed:
                remove_from_draft(draft, removed, actor=actor)
            is_repeat = bool(stored) and _has_taken_photos(draft)
            add_to_draft(draft, () if is_repeat else stored, actor=actor, now=now)
    except IntegrityError:
        # A double tap: the other one has just made the draft, with the same words.
        if _draft(key) is None:
            raise
        delete_files(photo.key for photo in stored)
    else:
        delete_files([removed] if removed else [])
    if is_repeat:
        delete_files(photo.key for photo in stored)
        flash(str(once.AGAIN))


def _has_taken_photos(draft: SubmissionDraft) -> bool:
    """Tell whether the photos of this form were taken before; remember that they are taken now.

    Where none are left they are wanted again: the draft was thrown away, or is a new one.
    """
    is_first = once.is_first()
    theirs = select(Photo.id).where(Photo.draft_id == draft.id).limit(1)
    return not is_first and db.session.scalar(theirs) is not None


def _similar(category_id: int | None, area_id: int | None) -> Sequence[SimilarRequest] | None:
    """Return the open requests like it, and count the look-up.

    None when this address has looked up too many: nobody reads off here, place by place, what
    others ask for. They are only an offer, so whoever asks for help goes on without it.
    """
    if category_id is None or area_id is None:
        return []
    with transaction():
        if _is_too_often("similar", LOOK_UPS_AN_HOUR):
            return None
    return similar_open_requests(category_id, area_id)


def _offered_as_similar(send: SendForm, filled: AskForm, category: Category) -> int | None:
    """Return the open request that theirs is about as well, if it was offered."""
    if send.same_as.data is None:
        return None
    offered = similar_open_requests(category.id, filled.area_id.data)
    return send.same_as.data if send.same_as.data in {each.id for each in offered} else None


def _mark_of(draft: SubmissionDraft) -> str:
    """Return the mark of what a page shows of a draft: another window may keep something else."""
    told = [sorted(draft.content.items()), [photo.key for photo in draft.photos]]
    return sha256(json.dumps(told).encode()).hexdigest()[:16]


def _send(
    key: str, read: SubmissionDraft, filled: AskForm, *, shown: str, same_as_id: int | None
) -> str | None:
    """Make the request of a draft as it was read, once, and return the token of its private link.

    Whoever sends the same again is led to the first. None when this address has sent too many.
    Raises `StaleError` when something else is kept by now than was read, or than the page had `shown`.
    """
    content, kept = replace(filled.content(), same_as_id=same_as_id), dict(read.content)
    with transaction():
        # Locked: whoever throws it away, or changes it, comes before or after.
        draft = _still_kept(queries.draft_for_change(key))
        if draft is None:
            message = "The draft was removed in the meantime."
            raise NotFoundError(message)
        if draft.service_request_id is None:
            if draft.content != kept or _mark_of(draft) != shown:
                message = "The draft was changed in the meantime."
                raise StaleError(message)
            if _is_too_often("submit", SENDINGS_AN_HOUR):
                return None
        sent = intake.submit(
            content,
            submission_key=key,
            draft=draft,
            actor=resident(),
            now=utc_now(),
            may_be_written_to=receipts.may_be_written_to,
        )
        return links.token_for(sent.id, sent.link_salt)


def _form_page(
    filled: AskForm,
    category: Category,
    *,
    key: str,
    draft: SubmissionDraft | None,
    status: int = 200,
) -> ResponseReturnValue:
    return render_template(
        "service_requests/ask.html",
        form=filled,
        category=category,
        key=key,
        draft=draft,
        most_photos=MOST_AT_ONCE,
    ), status


def _gone_page() -> ResponseReturnValue:
    return render_template("service_requests/ask_gone.html"), 404


def _elsewhere_page() -> ResponseReturnValue:
    """Answer the address of another browser's draft, and any that was made up, alike."""
    return render_template("service_requests/ask_elsewhere.html"), 404


def _to_receipt(service_request_id: int) -> ResponseReturnValue:
    return redirect(_receipt_of(service_request_id), 303)


def _receipt_of(service_request_id: int) -> str:
    """Return the address where the one who sent it sees what was sent."""
    service_request = db.session.get(ServiceRequest, service_request_id)
    if service_request is None:
        abort(404)
    token = links.token_for(service_request.id, service_request.link_salt)
    return url_for("track.receipt", token=token)


def _draft(key: str) -> SubmissionDraft | None:
    return _still_kept(db.session.scalar(select(SubmissionDraft).where(SubmissionDraft.key == key)))


def _still_kept(draft: SubmissionDraft | None) -> SubmissionDraft | None:
    is_kept = draft is not None and draft.created_at >= utc_now() - drafts.KEPT
    return draft if is_kept else None


def _offer(ask_form: AskForm) -> AskForm:
    return ask_form.offer(country=organisation.organisation().country, texts=can_send_texts())


def _category_groups() -> list[CategoryGroup]:
    found: list[tuple[Category, list[Category]]] = []
    for node in organisation.category_tree(offered_only=True):
        if node.depth == 0:
            found.append((node.thing, []))
        else:  # in tree order, what is below a group follows it
            found[-1][1].append(node.thing)
    return [CategoryGroup(top, leaves or [top]) for top, leaves in found]


def _matching(groups: Sequence[CategoryGroup], words: str) -> list[CategoryGroup]:
    """Return what fits every word: in the name, description or keywords, in either language.

    Where nothing does, what shares two neighbouring characters with every word: who looks for
    水龙头 finds what is listed under 龙头. Then what has most words of a sentence, by how they begin:
    "my tap is dripping". static/js/filter.js does the same while one types.
    """
    wanted = words.casefold().split()
    return (
        _fitting(groups, [[word] for word in wanted])
        or _fitting(groups, [bigrams(word) for word in wanted])
        or _nearest(groups, words)
    )


def _nearest(groups: Sequence[CategoryGroup], sentence: str) -> list[CategoryGroup]:
    """Return what has most of the words of a sentence that say something; nothing if it has none."""
    spoken = {word for word in _WORDS.findall(sentence.casefold()) if word not in _SAYING_NOTHING}
    begun = tuple({word[: max(4, len(word) - 3)] for word in spoken})
    scored = [
        [
            sum(any(said.startswith(one) for said in _WORDS.findall(text)) for one in begun)
            for leaf in group.leaves
            if (text := f"{_search_words(group.top)} {_search_words(leaf)}")
        ]
        for group in groups
    ]
    best = max((score for scores in scored for score in scores), default=0)
    if not best:
        return []
    narrowed = (
        CategoryGroup(
            group.top,
            [leaf for leaf, score in zip(group.leaves, scores, strict=True) if score == best],
        )
        for group, scores in zip(groups, scored, strict=True)
    )
    return [group for group in narrowed if group.leaves]


def _fitting(
    groups: Sequence[CategoryGroup], wanted: Sequence[Sequence[str]]
) -> list[CategoryGroup]:
    """Return what has one of the pieces of each word."""
    narrowed = []
    for group in groups:
        of_top = _search_words(group.top)
        leaves = []
        for leaf in group.leaves:
            text = f"{of_top} {_search_words(leaf)}"
            if all(any(piece in text for piece in pieces) for pieces in wanted):
                leaves.append(leaf)
        if leaves:
            narrowed.append(CategoryGroup(group.top, leaves))
    return narrowed


def _search_words(category: Category) -> str:
    parts = (
        category.name,
        category.name_en,
        category.description,
        category.description_en,
        category.keywords,
    )
    return " ".join(filter(None, parts)).casefold()


def _offered_category(text: str) -> Category | None:
    """Return the category if residents may choose it: a leaf that is offered and not ended."""
    if not _is_id(text):
        return None
    return organisation.offered_category(int(text))


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


def _has_kept_too_many() -> bool:
    with transaction():
        return _is_too_often("draft", DRAFTS_AN_HOUR)


def _is_too_often(scope: str, limit: int) -> bool:
    """Count one attempt of this address, unless it has used up its attempts of the last hour.

    Runs inside a transaction.
    """
    settings: Settings = current_app.config["SETTINGS"]
    address, now = callers_network(), utc_now()
    if is_exhausted(scope, address, limit=limit, window=HOUR, secret=settings.secret_key, now=now):
        return True
    count_attempt(scope, address, secret=settings.secret_key, now=now)
    return False


def _too_often_words() -> str:
    words: str = _(
        "Very many requests came from this connection in the last hour. Please wait a while, "
        "or call us. What you typed is still here."
    )
    return words
