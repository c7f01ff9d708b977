// A task on a page of its own, for links that are shared.
import { useNavigate, useParams } from "react-router";
import { Page } from "../../../ui/Page";
import { TaskDetails } from "./TaskDetails";

export function TaskPage() {
  const { id = "" } = useParams();
  const navigate = useNavigate();
  return (
    <Page title="Task">
      <div className="card">
        <TaskDetails id={id} onDeleted={() => navigate("/tasks")} />
      </div>
    </Page>
  );
}
