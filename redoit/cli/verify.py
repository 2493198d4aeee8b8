"""`doit verify`: run stages that are kept once more, and tell whether they make the same bytes."""

from typing import Any

from doit.control import TaskControl

from redoit.cli.base import StageCommand
from redoit.cli.run import matching, with_members
from redoit.errors import DeclarationError, RedoitError
from redoit.planning.verify import verify
from redoit.plugin.checkout import engine
from redoit.plugin.stage_task import TIME_LIMIT, StageTask, stage_of


class Verify(StageCommand):
    """Runs stages again in a scratch folder and compares bytes. What is in place stays, and nothing is recorded."""

    name = "verify"
    doc_purpose = "run stages again, and compare what they make with what is there"
    doc_usage = "[TASK ...]"
    doc_description = (
        "Each stage runs again beside its outputs, which stay as they are. It is reproducible if all its outputs have"
        " the same bytes; else the first difference is told, and the exit status is 1. Without names: all stages whose"
        " result depends on nothing but their inputs."
    )

    def _execute(self, pos_args: list[str]) -> int:
        self.need_stages()
        tasks = {task.name: task for task in self.task_list}
        TaskControl(self.task_list)  # completes the tasks
        names = self._named(pos_args, tasks) if pos_args else [name for name in tasks if stage_of(tasks[name])]
        held = True
        for name in names:
            stage = stage_of(tasks[name])
            assert stage is not None
            if pos_args or stage.stage.policy.restorable:
                held &= self._verify(tasks[name], stage)
            else:
                self._say(f"Step {name} is not verified: its result depends on more than its inputs.")
        self.dep_manager.close()
        return 0 if held else 1

    def _named(self, patterns: list[str], tasks: dict[str, Any]) -> list[str]:
        """Return the stages that patterns name, each once.

        Raises: DeclarationError on a pattern that names none.
        """
        found = []
        for pattern in patterns:
            if pattern.startswith("-"):
                raise DeclarationError(
                    pattern, "found behind a task, expected before", f"say: doit verify {pattern} ..."
                )
            names = with_members(matching([pattern], tasks), tasks)
            stages = [name for name in names if stage_of(tasks[name])]
            if not stages:
                raise DeclarationError(pattern, "found an ordinary task, expected a stage", "leave it out")
            found += stages
        return list(dict.fromkeys(found))

    def _verify(self, task: Any, stage: StageTask) -> bool:
        """Verify one stage, and tell what came of it."""
        try:
            limit = stage.value_of(task, TIME_LIMIT)
            found = verify(engine(), stage.stage, stage.settings(task), time_limit=limit)
        except DeclarationError:
            raise
        except RedoitError as error:
            self._say(f"Step {task.name} can't be verified. {error}")
            return False
        outputs = stage.stage.outputs
        if found.reproducible:
            self._say(f"Step {task.name} is reproducible ({', '.join(outputs.values())}; {found.seconds:.3f}s).")
        for role, where in found.differences.items():
            self._say(f"Step {task.name} is not reproducible: {outputs[role]} differs {where}.")
        return found.reproducible

    def _say(self, text: str) -> None:
        self.outstream.write(f"{text}\n")
        self.outstream.flush()
